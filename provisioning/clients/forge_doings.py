"""What a forge is asked to do, in the words of errors: "git-1 refuses to list the webhooks of acme/demand: …".

What several drivers or calls ask for stands here, what one call alone asks for stands there. Arguments come in the
order of the drivers' methods.
"""

from provisioning.phrases import Phrase, phrase

SAY_WHOSE_TOKEN = phrase("say whose token this is")
TELL_VERSION = phrase("tell its version")

# Repositories


def find_repository(full_name: str) -> Phrase:
    return phrase("look for %(full_name)s", full_name=full_name)


def find_repository_by_id(repository_id: int) -> Phrase:
    return phrase("look for repository %(repository_id)s", repository_id=repository_id)


def find_organisation(name: str) -> Phrase:
    return phrase("look for the organisation %(name)s", name=name)


def make_organisation(name: str) -> Phrase:
    return phrase("make the organisation %(name)s", name=name)


def make_repository(full_name: str) -> Phrase:
    return phrase("make %(full_name)s", full_name=full_name)


def remove_repository(full_name: str) -> Phrase:
    return phrase("remove %(full_name)s", full_name=full_name)


def set_topics(full_name: str) -> Phrase:
    return phrase("set the topics of %(full_name)s", full_name=full_name)


def set_who_sees(full_name: str) -> Phrase:
    return phrase("set who sees %(full_name)s", full_name=full_name)


# Branches and files


def read_branch(full_name: str, branch: str) -> Phrase:
    return phrase("read the branch %(branch)s of %(full_name)s", branch=branch, full_name=full_name)


def tell_pushes(branch: str) -> Phrase:
    return phrase("tell who pushed to %(branch)s", branch=branch)


def make_branch(full_name: str, branch: str) -> Phrase:
    return phrase("make the branch %(branch)s of %(full_name)s", branch=branch, full_name=full_name)


def remove_branch(full_name: str, branch: str) -> Phrase:
    return phrase("remove the branch %(branch)s of %(full_name)s", branch=branch, full_name=full_name)


def read_file(full_name: str, path: str) -> Phrase:
    return phrase("read %(path)s of %(full_name)s", path=path, full_name=full_name)


def write(full_name: str, branch: str) -> Phrase:
    return phrase("write to %(branch)s of %(full_name)s", branch=branch, full_name=full_name)


def read_protection(branch: str) -> Phrase:
    return phrase("read the protection of %(branch)s", branch=branch)


def protect(full_name: str, branch: str) -> Phrase:
    return phrase("protect %(branch)s of %(full_name)s", branch=branch, full_name=full_name)


# People


def find_person(who: str) -> Phrase:
    return phrase("look for %(who)s", who=who)


def find_login(login: str) -> Phrase:
    return phrase("look for %(login)s", login=login)


def list_collaborators(full_name: str) -> Phrase:
    return phrase("list the collaborators of %(full_name)s", full_name=full_name)


def tell_permission(full_name: str, login: str) -> Phrase:
    return phrase("tell what %(login)s may do on %(full_name)s", login=login, full_name=full_name)


def let_in(full_name: str, login: str) -> Phrase:
    return phrase("let %(login)s into %(full_name)s", login=login, full_name=full_name)


def take_off(full_name: str, login: str) -> Phrase:
    return phrase("take %(login)s off %(full_name)s", login=login, full_name=full_name)


# Webhooks and deploy keys


def list_hooks(full_name: str) -> Phrase:
    return phrase("list the webhooks of %(full_name)s", full_name=full_name)


def make_hook(full_name: str) -> Phrase:
    return phrase("make a webhook on %(full_name)s", full_name=full_name)


def change_hook(full_name: str, hook_id: int) -> Phrase:
    return phrase("change webhook %(hook_id)s of %(full_name)s", hook_id=hook_id, full_name=full_name)


def remove_hook(full_name: str, hook_id: int) -> Phrase:
    return phrase("remove webhook %(hook_id)s of %(full_name)s", hook_id=hook_id, full_name=full_name)


def list_deploy_keys(full_name: str) -> Phrase:
    return phrase("list the deploy keys of %(full_name)s", full_name=full_name)


def add_deploy_key(full_name: str) -> Phrase:
    return phrase("add a deploy key to %(full_name)s", full_name=full_name)


def remove_deploy_key(full_name: str, key_id: int) -> Phrase:
    return phrase("remove deploy key %(key_id)s of %(full_name)s", key_id=key_id, full_name=full_name)


# Secrets and variables of Actions


def list_ci_secrets(full_name: str) -> Phrase:
    return phrase("list the CI secrets of %(full_name)s", full_name=full_name)


def write_ci_secret(full_name: str, name: str) -> Phrase:
    return phrase("write the CI secret %(name)s of %(full_name)s", name=name, full_name=full_name)


def make_ci_variable(full_name: str, name: str) -> Phrase:
    return phrase("make the CI variable %(name)s of %(full_name)s", name=name, full_name=full_name)


# Statuses, pull requests, comments


def write_status(full_name: str, sha: str) -> Phrase:
    return phrase("write a status on %(sha)s of %(full_name)s", sha=sha[:10], full_name=full_name)


def read_statuses(sha: str) -> Phrase:
    return phrase("read the statuses of %(sha)s", sha=sha[:10])


def read_pull_request(full_name: str, number: int) -> Phrase:
    return phrase("read pull request %(number)s of %(full_name)s", number=number, full_name=full_name)


def list_pull_requests(full_name: str) -> Phrase:
    return phrase("list the pull requests of %(full_name)s", full_name=full_name)


def find_pull_request(full_name: str) -> Phrase:
    return phrase("find a pull request of %(full_name)s", full_name=full_name)


def make_pull_request(full_name: str) -> Phrase:
    return phrase("make a pull request on %(full_name)s", full_name=full_name)


def list_changed_files(number: int) -> Phrase:
    return phrase("list the files of pull request %(number)s", number=number)


def read_comments(full_name: str, number: int) -> Phrase:
    return phrase("read the comments on %(number)s of %(full_name)s", number=number, full_name=full_name)


def change_our_comment(number: int) -> Phrase:
    return phrase("change our comment on %(number)s", number=number)
