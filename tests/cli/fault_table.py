"""The faults of faults_test.py, a row each. A row without `points` expects nothing of a result file; {} expects none."""
import dataclasses

from layer_support import SMALL

SCHEMES = ["f16", "w8a16-fused", "w4a16-fused"]
H100 = {**SMALL, "board": "h100"}
RTX4090 = {**H100, "board": "rtx4090"}
RUN = ["run", "tiny-campaign.json", "--out", "out.jsonl", "--quiet"]
ALL_OK = {scheme: "ok" for scheme in SCHEMES}


def without(lost):
    """Points of which only those in `lost` failed, each with words of its reason."""
    return {**ALL_OK, **lost}


@dataclasses.dataclass
class Fault:
    name: str
    faults: object  # text or list; empty where the board itself is the fault
    arguments: list
    outcome: str
    code: int = 0
    says: tuple = ()
    points: object = None
    boards: object = dataclasses.field(default_factory=lambda: dict(H100))
    board_text: str = ""  # the fault of the board, for the table
    hazard: str = ""  # words of a hazard of the session
    reason: str = ""  # words of the reasons of points that are ok
    flag: str = ""  # of trials, whose phases are then absent
    signals: int = 0  # Ctrl-C sent once the fault has struck
    resumes: bool = False  # once more without the fault, by --resume where a file was kept, completes the file

    def injected(self):
        faults = [self.faults] if isinstance(self.faults, str) else self.faults
        return ", ".join([*(f"`{fault}`" for fault in faults), *([self.board_text] if self.board_text else [])])


FAULTS = [
    # Wrong results.
    Fault("A row of the product wrong by 1.01", "result kernel=gemv_i8_f16_gpu from=3 factor=1.01", RUN, "the scheme fails, its kernel is named", 3,
          points=without({"w8a16-fused": "gemv_i8_f16_gpu"})),
    Fault("A product that is NaN", "result kernel=gemv_i4_f16_gpu do=nan count=16", RUN, "the scheme fails, its kernel is named", 3,
          points=without({"w4a16-fused": "gemv_i4_f16_gpu"})),
    Fault("The anchor's product zero", "result kernel=gemv_f16_f16_gpu do=zero count=96", RUN, "no scheme of the cell gets a verdict; the kernel is named", 3,
          points={scheme: "gemv_f16_f16_gpu" for scheme in SCHEMES}),
    # Compilers.
    Fault("The compiler aborts in a probe", "build do=abort options=-DPROBE_SUBGROUPS", ["devices", "--json"], "the capability fails, with the compiler's last words", 0,
          says=("subgroups.*Cannot select", "NVIDIA H100", "event timer")),
    Fault("The compiler aborts in a probe of verify", "build do=abort options=-DPROBE_SUBGROUPS", ["verify", "--kernel", "cast_f16_f32"], "the table is whole", 0,
          says=("cast_f16_f32_gpu .*pass",)),
    Fault("The compiler aborts in a probe of a run", "build do=abort options=-DPROBE_SUBGROUPS", RUN, "all points are measured", 0, points=ALL_OK),
    Fault("The compiler aborts on a kernel", "build do=abort source=gemv_i4_f16_gpu", RUN, "its scheme fails with the compiler's last words", 3,
          points=without({"w4a16-fused": "(?=.*gemv_i4_f16_gpu).*Cannot select"})),
    Fault("The compiler refuses a kernel", "build source=gemv_i4_f16_gpu", RUN, "its scheme fails with the line of the log", 3,
          points=without({"w4a16-fused": "(?=.*gemv_i4_f16_gpu).*injected failure"})),
    Fault("The compiler aborts in the making of a probe window", "build do=abort source=dequantize_i8_f16_gpu once=made argv=run-session",
          [*RUN, "--set", "probes=true"], "that probe is left out, with a hazard", 0, points=ALL_OK, hazard="left out: making of probe"),
    Fault("The compiler refuses the references", [f"build source=matmul_{weights}_f16_reference argv=run-session" for weights in ("f16", "i8", "i4")], RUN,
          "the points stand; what could not be checked is said", 0,
          points=ALL_OK, flag="unchecked", reason="could be checked: .*injected failure"),
    Fault("A build log of a megabyte", "build source=gemv_i4_f16_gpu log_bytes=1000000", RUN, "the line with the error alone is kept", 3,
          points=without({"w4a16-fused": "injected failure"})),
    Fault("A build log that cannot be had", ["build source=gemv_i4_f16_gpu", "log"], RUN, "the reason says so", 3,
          points=without({"w4a16-fused": "clGetProgramBuildInfo"})),
    Fault("The compiler refuses a kernel of verify", "build source=gemv_i4_f16_gpu", ["verify", "--kernel", "gemv_i"], "the table is whole, the row fails", 1,
          says=("gemv_i4_f16_gpu .*injected failure", "gemv_i8_f16_gpu .*pass")),
    Fault("The compiler prints", "build do=print text=ptxas info: 0 bytes gmem", RUN, "all points are measured", 0, points=ALL_OK),
    # Launches.
    Fault("A launch fails", "launch kernel=gemv_i4_f16_gpu code=-5", RUN, "its scheme fails; kernel, sizes and code are named", 3,
          points=without({"w4a16-fused": r"launch of gemv_i4_f16_gpu.*items in groups of.*CL_OUT_OF_RESOURCES"})),
    Fault("A launch fails in verify", "launch kernel=gemv_i4_f16_gpu", ["verify", "--kernel", "gemv_i"], "the table is whole, the row fails", 1,
          says=("gemv_i4_f16_gpu .*CL_OUT_OF_RESOURCES", "gemv_i8_f16_gpu .*pass")),
    Fault("The driver dies of a launch", "launch do=segv kernel=gemv_i4_f16_gpu argv=run-session", RUN, "its scheme fails, the signal is named", 3,
          points=without({"w4a16-fused": "(?=.*gemv_i4_f16_gpu).*SIGSEGV"})),
    Fault("A launch never returns", "launch do=hang kernel=gemv_i4_f16_gpu argv=run-session", [*RUN, "--watchdog", "4"], "the watchdog ends it; its scheme fails", 3,
          points=without({"w4a16-fused": "no sign of life for 4 s.*launch of gemv_i4_f16_gpu"})),
    Fault("A wait never ends, Ctrl-C twice", "finish do=hang argv=run-session", RUN, "the second ends it; the run can be done again", 130, signals=2, resumes=True),
    Fault("A compiler never ends, Ctrl-C twice", "build do=hang argv=run-session", RUN, "the second ends it; the run can be done again", 130, signals=2, resumes=True),
    Fault("The device is lost, once", "lost kernel=gemv_i8_f16_gpu after=9 once=lost argv=run-session", RUN, "the scheme fails; kernel and code are named", 3,
          points=without({"w8a16-fused": "gemv_i8_f16_gpu.*-9999"})),
    Fault("The device is lost for good", "lost kernel=gemv_f16_f16_gpu after=3 argv=run-session", RUN, "no scheme of the cell gets a verdict; the code is named", 3,
          points={**{scheme: "." for scheme in SCHEMES}, "f16": "gemv_f16_f16_gpu.*-9999"}),
    Fault("A kernel cannot be made", "entry kernel=gemv_i4_f16_gpu code=-5", RUN, "its scheme fails", 3, points=without({"w4a16-fused": "gemv_i4_f16_gpu"})),
    # Time stamps.
    *(Fault(f"Stamps: {name}", f"stamps {keys}", RUN, "a hazard; the host's clock times the phases", 0, points=ALL_OK, hazard="event stamps not trusted")
      for name, keys in [("a quarter", "do=scale factor=0.25"), ("four times", "do=scale factor=4"), ("durations of a quarter", "do=stretch factor=0.25"),
                         ("zero", "do=zero"), ("end before start", "do=backwards"), ("end at start", "do=same"), ("not available", "do=none")]),
    *(Fault(f"Stamps: {name}", f"stamps {keys}", RUN, "phases of the trial are absent, a flag says why", 0, points=ALL_OK, flag="bad_stamps")
      for name, keys in [("not available later", "do=none after=30"), ("one in 97 starts at zero", "do=jump every=97"),
                         ("one in 97 ends in 584 years", "do=huge every=97"), ("one in 97 ends before its start", "do=backwards every=97")]),
    # Memory.
    *(Fault(f"No memory{name}", f"memory {keys} argv=run-session", RUN, "the cell fails", 3, points={scheme: "memory" for scheme in SCHEMES})
      for name, keys in [(" for a buffer", "largest=4096"), (" for the buffers together", "limit=100000"), (" at the first use of a buffer", "late=1 limit=100000")]),
    # Ceilings.
    Fault("A ceiling's kernel is refused", "build options=-DCEILING_FMA", ["ceilings"], "its row says so, the others are measured", 0,
          says=("fp32_macs_per_s .*not measured.*injected failure", r"read_bytes_per_s +byte/s +\d")),
    Fault("Every ceiling's kernel is refused in a run", "build options=-DCEILING_", RUN, "all points are measured", 0, points=ALL_OK),
    # Devices.
    Fault("The driver prints when loaded", "load do=print text=MESA: warning", RUN, "all points are measured", 0, points=ALL_OK),
    Fault("The driver dies when loaded", "load do=abort", ["devices"], "one line with the driver's last words", 1, says=("qtrap: error: .*Cannot select",)),
    Fault("The driver dies when devices are listed", "devices do=segv", ["devices"], "one line that names the signal", 1, says=("qtrap: error: .*(SIGSEGV|signal 11)",)),
    Fault("An integrated GPU before a discrete one", [], ["run", "tiny-campaign.json", "--dry-run"], "the discrete one is taken and named", 0,
          says=("NVIDIA GeForce RTX 4090",), boards=["uhd770", RTX4090], board_text="board `uhd770` first"),
    Fault("One device cannot be described", [], ["devices"], "its row says so, the others stand", 0, says=("NVIDIA H100", "NVIDIA GeForce RTX 4090", "CL_INVALID_VALUE"),
          boards=[{**H100, "cache_bytes": "error -30"}, RTX4090], board_text="`cache_bytes = error -30`"),
    Fault("Another device cannot be described", [], [*RUN, "--device", "1"], "the chosen device is measured", 0, points=ALL_OK,
          boards=[{**H100, "cache_bytes": "error -30"}, RTX4090], board_text="`cache_bytes = error -30`"),
    Fault("One device cannot be opened", "context device=0", ["devices"], "its row says so, the others stand", 0,
          says=("cannot be opened", "NVIDIA GeForce RTX 4090"), boards=[H100, RTX4090]),
    Fault("Devices in another order in the session", "devices do=reverse argv=run-session", RUN, "the planned device is measured", 0, points=ALL_OK,
          boards=[H100, RTX4090]),
    Fault("The planned device gone in the session", "devices do=drop device=0 argv=run-session", RUN, "refused by name", 1, says=("H100",), points={},
          boards=[H100, RTX4090]),
    Fault("No device", "devices do=none", ["devices"], "one line with what to do", 1, says=("qtrap: error: no OpenCL device",)),
    Fault("A work-group of 64 at most", [], RUN, "refused by name", 3, points={scheme: "work-group" for scheme in SCHEMES},
          boards={**H100, "max_work_group": 64}, board_text="`max_work_group = 64`"),
]
