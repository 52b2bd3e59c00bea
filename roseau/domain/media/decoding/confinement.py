"""Takes from the running process all that decoding a picture does not need; there is no way back."""

import ctypes
import os
import resource
import signal
import struct
import sys

from roseau.domain.media.decoding.messages import Limits

_PR_SET_PDEATHSIG = 1
_PR_SET_SECCOMP = 22
_PR_SET_NO_NEW_PRIVS = 38
_SECCOMP_MODE_FILTER = 2
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000

# Classic BPF instructions (linux/filter.h), and the answers of a seccomp filter (linux/seccomp.h).
_LOAD_WORD = 0x20
_JUMP_IF_EQUAL = 0x15
_JUMP_IF_SET = 0x45
_RETURN = 0x06
_ALLOW = 0x7FFF0000
_REFUSE = 0x00050000 | 1  # the call fails with EPERM
_DENY_KNOWLEDGE = 0x00050000 | 38  # it fails with ENOSYS
_SYSCALL_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data
_CLONE_THREAD = 0x00010000
_CLONE3 = 435  # on both

# What arithmetic on memory and on descriptors that are already open comes down to. Nothing here opens a
# file or a socket, starts a process or a program, or sends a signal. `clone` is for threads alone: the HEIC
# decoder has one. The numbers are those of the kernel's own tables: asm/unistd_64.h for x86-64,
# asm-generic/unistd.h for aarch64.
_CALLS = {
    "x86_64": (
        0xC000003E,
        {
            "read": 0, "write": 1, "close": 3, "fstat": 5, "lseek": 8, "mmap": 9, "mprotect": 10,
            "munmap": 11, "brk": 12, "rt_sigaction": 13, "rt_sigprocmask": 14, "rt_sigreturn": 15,
            "pread64": 17, "pwrite64": 18, "writev": 20, "sched_yield": 24, "mremap": 25, "madvise": 28,
            "getpid": 39, "clone": 56, "exit": 60, "ftruncate": 77, "getrusage": 98, "sysinfo": 99,
            "sigaltstack": 131, "gettid": 186, "futex": 202, "sched_getaffinity": 204,
            "restart_syscall": 219, "clock_gettime": 228, "exit_group": 231, "newfstatat": 262,
            "set_robust_list": 273, "getrandom": 318, "rseq": 334,
        },
    ),
    "aarch64": (
        0xC00000B7,
        {
            "ftruncate": 46, "close": 57, "lseek": 62, "read": 63, "write": 64, "writev": 66,
            "pread64": 67, "pwrite64": 68, "newfstatat": 79, "fstat": 80, "exit": 93, "exit_group": 94,
            "futex": 98, "set_robust_list": 99, "clock_gettime": 113, "sched_getaffinity": 123,
            "sched_yield": 124, "restart_syscall": 128, "sigaltstack": 132, "rt_sigaction": 134,
            "rt_sigprocmask": 135, "rt_sigreturn": 139, "getrusage": 165, "getpid": 172, "gettid": 178,
            "sysinfo": 179, "brk": 214, "munmap": 215, "mremap": 216, "clone": 220, "mmap": 222,
            "mprotect": 226, "madvise": 233, "getrandom": 278, "rseq": 293,
        },
    ),
}  # fmt: skip


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def confine(limits: Limits) -> None:
    """Set the limits of this process and close every way out of it.

    Everything that will be needed must be imported and opened before. Raises OSError where Linux grants
    neither a filter of system calls nor a network of one's own, for then no picture may be decoded.
    """
    limit_resources(limits)
    if sys.platform == "linux":
        libc = _load_libc()
        _call(libc, _PR_SET_PDEATHSIG, signal.SIGKILL)
        _call(libc, _PR_SET_NO_NEW_PRIVS, 1)
        if not filter_system_calls(libc):
            leave_network(libc)


def limit_resources(limits: Limits) -> None:
    """Bound memory, processor time and the size of files; allow no core and no new descriptor."""
    bounds = {
        resource.RLIMIT_AS: limits.memory_bytes,
        resource.RLIMIT_FSIZE: limits.max_output_bytes,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: 0,
    }
    for which, bound in bounds.items():
        resource.setrlimit(which, (bound, bound))
    # The soft limit sends SIGXCPU, which tells the parent why; the hard one is for a child that ignores it.
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_seconds, limits.cpu_seconds + 1))


def filter_system_calls(libc: ctypes.CDLL) -> bool:
    """Let the kernel refuse every system call that is not on the list; False where it cannot."""
    machine = os.uname().machine
    if machine not in _CALLS or sys.maxsize <= 2**32:
        return False
    architecture, calls = _CALLS[machine]
    filter = _build_filter(architecture, calls)
    program = _Program(len(filter) // 8, filter)
    installed: int = libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.addressof(program), 0, 0)
    return installed == 0


def leave_network(libc: ctypes.CDLL) -> None:
    """Move to a network with no interface that is up; raises OSError where that is not allowed."""
    if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "The kernel offers neither seccomp nor a network namespace")


def _build_filter(architecture: int, calls: dict[str, int]) -> bytes:
    def instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
        return struct.pack("=HBBI", code, if_true, if_false, value)

    listed = sorted(number for name, number in calls.items() if name != "clone")
    return b"".join(
        (
            instruction(_LOAD_WORD, _ARCHITECTURE),
            instruction(_JUMP_IF_EQUAL, architecture, if_true=1),
            instruction(_RETURN, _REFUSE),
            instruction(_LOAD_WORD, _SYSCALL_NUMBER),
            # A filter cannot read what clone3 asks for; told that there is none, the C library uses clone.
            instruction(_JUMP_IF_EQUAL, _CLONE3, if_false=1),
            instruction(_RETURN, _DENY_KNOWLEDGE),
            instruction(_JUMP_IF_EQUAL, calls["clone"], if_false=4),
            instruction(_LOAD_WORD, _FIRST_ARGUMENT),
            instruction(_JUMP_IF_SET, _CLONE_THREAD, if_false=1),
            instruction(_RETURN, _ALLOW),
            instruction(_RETURN, _REFUSE),
            # A match jumps over the comparisons that are left, and over the refusal that follows them.
            *(instruction(_JUMP_IF_EQUAL, call, len(listed) - i) for i, call in enumerate(listed)),
            instruction(_RETURN, _REFUSE),
            instruction(_RETURN, _ALLOW),
        )
    )


def _load_libc() -> ctypes.CDLL:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]
    libc.unshare.argtypes = [ctypes.c_int]
    return libc


def _call(libc: ctypes.CDLL, option: int, value: int) -> None:
    if libc.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl({option}, {value}) was refused")
