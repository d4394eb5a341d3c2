"""Addresses of company login, mounted at /oauth2/. The namespace is the one django-auth-adfs looks up."""

from django.urls import path

from portal.auth_views import Callback, Login, Logout

app_name = "django_auth_adfs"

urlpatterns = [
    path("login", Login.as_view(), name="login"),
    path("callback", Callback.as_view(), name="callback"),
    path("logout", Logout.as_view(), name="logout"),
]
