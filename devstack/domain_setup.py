"""Makes the stack's domain with the company in it, once: `/usr/bin/python3 -m devstack.domain_setup STACK`.

Runs in Debian's own Python, which has Samba's modules, and writes to the database of a controller that does not run.
"""

import subprocess
import sys
import uuid

from devstack import domain
from devstack.company import Company, company, people_json
from devstack.files import remove_tree, write_if_changed
from devstack.stack import Stack, open_stack

_FOUND = ["sAMAccountName", "objectGUID"]


def main(name: str) -> int:
    stack = open_stack(name)
    done = domain.people(stack)
    if not done.exists():
        # What an interrupted run has left can't be told from a whole domain.
        remove_tree(domain.folder(stack))
        _provision(stack)
        whole = company()
        text = people_json(whole, object_ids=_fill(stack, whole))
        write_if_changed(done, text + "\n", mode=0o600)
        print("the domain is made")
    # The stack may have run with the file's own object ids in between.
    write_if_changed(stack.folder / "people.json", done.read_text(encoding="utf-8"), mode=0o600)
    return 0


def _provision(stack: Stack) -> None:
    whole = company()
    target = domain.folder(stack)
    # The address goes into DNS records that nobody asks for, and DNS is left out.
    command = [
        *("samba-tool", "domain", "provision", f"--realm={whole.domain.upper()}"),
        *(f"--domain={domain.workgroup(whole)}", "--server-role=dc", "--dns-backend=NONE", "--use-rfc2307", "--quiet"),
        *(f"--targetdir={target}", f"--host-name={domain.HOST}", f"--host-ip={stack.address()}"),
    ]
    # Without a password it makes one of its own; ours is set below, so that it stands in no list of processes.
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    write_if_changed(domain.configuration(stack), domain.smb_conf(stack, whole))


def _fill(stack: Stack, whole: Company) -> dict[str, str]:
    """Put the company into the domain's database. Returns the object id that it has given to each account."""
    from samba.auth import system_session
    from samba.param import LoadParm
    from samba.samdb import SamDB

    parameters = LoadParm(filename_for_non_global_lp=str(domain.configuration(stack)))
    database = SamDB(
        url=str(domain.folder(stack) / "private" / "sam.ldb"), session_info=system_session(), lp=parameters
    )
    database.modify_ldif(domain.settings_ldif(whole))
    passwords = {account: stack.secret(name) for account, name in domain.PASSWORDS.items()}
    administrator = passwords.pop("Administrator")
    database.transaction_start()
    database.modify_ldif(domain.company_ldif(whole, service_passwords=passwords))
    database.transaction_commit()
    database.setpassword("(sAMAccountName=Administrator)", administrator)
    found = database.search(base=domain.branch(whole), expression="(sAMAccountName=*)", attrs=_FOUND)
    return {str(one["sAMAccountName"]): str(uuid.UUID(bytes_le=bytes(one["objectGUID"][0]))) for one in found}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
