"""Run a program that ends with its parent: `leash.py SIGNAL ACCOUNT REACH NICENESS program argument...`.

Linux only. The kernel sends SIGNAL to the program when the thread that started it is gone, also when that was
killed with -9. ACCOUNT (a user name or "-") is who the program runs as; REACH ("1" or "0") keeps it able to
pass closed parent folders, for a project that root keeps in a private place. NICENESS is added to ours. Runs
without site packages.
"""

import ctypes
import os
import pwd
import sys

PR_SET_PDEATHSIG = 1
PR_SET_KEEPCAPS = 8
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAP_DAC_OVERRIDE = 1
CAPABILITY_VERSION_3 = 0x20080522


def main(signal: int, account: str, reach: bool, niceness: int, program: list[str]) -> None:
    """Bind to the parent, change the account, become the program."""
    os.nice(niceness)
    parent = os.getppid()
    libc = ctypes.CDLL(None, use_errno=True)
    if account != "-":
        become(libc, account, reach)
    # After the change of account, which clears it.
    libc.prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit("the parent is gone")
    try:
        os.execv(program[0], program)
    except OSError as error:
        sys.exit(f"{program[0]}: {error.strerror}")


def become(libc: ctypes.CDLL, account: str, reach: bool) -> None:
    """Take on the account's user and group ids."""
    person = pwd.getpwnam(account)
    os.setgroups([])
    os.setresgid(person.pw_gid, person.pw_gid, person.pw_gid)
    libc.prctl(PR_SET_KEEPCAPS, int(reach), 0, 0, 0)
    os.setresuid(person.pw_uid, person.pw_uid, person.pw_uid)
    os.environ |= {"HOME": person.pw_dir, "USER": account, "LOGNAME": account}
    if reach:
        bit = 1 << CAP_DAC_OVERRIDE
        header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
        sets = (ctypes.c_uint32 * 6)(bit, bit, bit, 0, 0, 0)
        libc.capset(header, sets)
        libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE, 0, 0)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3] == "1", int(sys.argv[4]), sys.argv[5:])
