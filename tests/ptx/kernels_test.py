#!/usr/bin/python3
"""kernels_test.py KERNEL_PROGRAMS [NAME | --new | --record]: every kernel that NVIDIA devices can get, as clang emits it, run
item by item (tests/ptx/README.md); those alone whose name contains NAME; --new: those alone of files that
tools/kernels-base does not list as they are (tools/kernel_code/checked.py); --record: lists what passes there.

Programs, options and launch sizes come from the build's kernel_programs, so a kernel without a row in cases.py fails this
test by name. Exit status: 0, 1 on faults, 77 where clang-19 or libclc-19 cannot be had.
"""
import pathlib
import sys
import time

sys.dont_write_bytecode = True
from parser import Fault
from runner import compile_entry, list_nvidia_programs, make_jobs, run_job, skip_without_tools
from kernel_code.checked import find_passed, make_lines, record


def lines_of(jobs, tools):
    """{file: its line of tools/kernels-base}."""
    rows = ((job.program.file, f"{job}\t{job.total}\t{job.items}") for job in jobs)
    return make_lines("ptx", rows, tools, pathlib.Path(__file__).parent.resolve().glob("*.py"))


def main(tools):
    listing, mode = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else ""
    name = "" if mode.startswith("--") else mode
    jobs, faults = make_jobs(listing, [one for one in list_nvidia_programs(listing) if name in one.program.kernel])
    jobs.sort(key=lambda job: (job.program.file, job.program.options))
    lines, passed = {}, set()
    if mode in ("--new", "--record"):
        lines = lines_of(jobs, tools)
    if mode == "--new":
        passed = find_passed(lines)
        jobs = [job for job in jobs if job.program.file not in passed]
    spent = {}
    for job in jobs:
        started = time.process_time()
        try:
            run_job(job, compile_entry(job.program, tools))
        except Fault as fault:
            faults.append(f"{job}: {fault}")
        spent.setdefault(job.program.kernel, []).append(time.process_time() - started)
    for kernel, times in sorted(spent.items()):
        print(f"{kernel:<36} {len(times):>4} launches {sum(times):>6.2f} s")
    for fault in faults:
        print(f"ptx: error: {fault}", file=sys.stderr)
    print(f"{len(jobs)} launches of {len(spent)} kernels, {len(faults)} faults")
    if mode == "--record" and not faults:
        record("ptx", lines.values())
    return 1 if faults or not (jobs or passed) else 0


if __name__ == "__main__":
    sys.exit(skip_without_tools(main))
