"""What doors for programs have in common: forges and chats sign what they send, and get a sentence for an answer."""

from django.http import HttpRequest, JsonResponse


class Refused(Exception):
    """This request gets that status and sentence, and nothing more."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


def answer(status: int, detail: str) -> JsonResponse:
    """An answer that nobody keeps."""
    told = JsonResponse({"detail": detail}, status=status, headers={"Cache-Control": "no-store"})
    if status == 405:
        told["Allow"] = "POST"
    return told


def length_of(request: HttpRequest, *, most: int) -> int:
    """Bytes of the body, by its header. Raises Refused for none and for more than `most`, before it is read."""
    length = request.META.get("CONTENT_LENGTH") or ""
    if not length.isdecimal():
        raise Refused(411, "Say how long the body is (Content-Length).")
    if int(length) > most:
        raise Refused(413, f"The body is larger than {most} bytes. Nothing that is asked here needs that.")
    return int(length)
