"""Result files under attack and in haste: two writers, resumed runs of another experiment, hostile contents, pipes, little memory."""
import gzip
import json
import os
import pathlib
import random
import resource
import shutil
import signal
import subprocess
import time
import unittest

from support import QTRAP, SOURCE, ProgramTest

READERS = {"check": [], "fit": [], "compare": [], "export": ["--format", "csv"]}


class FileTest(ProgramTest):
    def import_table(self, name="r.jsonl"):
        """A valid result file of published numbers, made without a device."""
        table = "rtx5090_fp8_torchao_2026-09-20"
        done = self.run_program("import", SOURCE / "tests/data/imports" / f"{table}.csv", "--map", SOURCE / "profiles/imports" / f"{table}.json", "--out", name)
        self.assertEqual(done.returncode, 0, done.stderr)
        return self.folder / name

    def rewrite(self, path, change):
        rows = self.records(path)
        change(rows)
        path.write_text("".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows))

    def refused(self, done, *texts):
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        for text in texts:
            self.assertIn(text, done.stderr)

    def read_with(self, reader, *files, **options):
        return self.run_program(reader, *files, *READERS[reader], **options)


class Versions(FileTest):
    def test_a_file_before_1_4_fits_to_the_same_numbers_and_resumes(self):
        self.write("short.json", self.campaign(hops=[1], probes=True))
        self.finish("short.json", "--out", "new.jsonl", "--quiet")
        points = self.records(self.folder / "new.jsonl", "point")
        self.assertEqual({point["scheme"]: (point["weight_format"], point["mac_class"]) for point in points},
                         {"f16": ("f16", "f16"), "w8a16-split": ("int8", "f16"), "w8a16-fused": ("int8", "w8a16"), "w8a8": ("int8", "int8"),
                          "w4a16-split": ("int4", "f16"), "w4a16-fused": ("int4", "w4a16"), "w4a8": ("int4", "w4a8")})

        def strip(rows):
            for row in rows:
                for key in ("weight_format", "mac_class", "head_macs", "head_mac_class", "head_format", "kv_format"):
                    row.pop(key, None)
                if row["record"] == "session":
                    row["schema_version"] = "1.3"

        def unflag(rows):  # a busy machine flags its windows, and a fit takes none of those
            for row in rows:
                if row["record"] == "trial":
                    row["flags"] = []

        old = pathlib.Path(shutil.copy(self.folder / "new.jsonl", self.folder / "old.jsonl"))
        self.rewrite(old, strip)
        self.assertNotIn('mac_class"', old.read_text())
        self.check(old)
        fits = []
        for name in ("new.jsonl", "old.jsonl"):
            calm = pathlib.Path(shutil.copy(self.folder / name, self.folder / "calm.jsonl"))
            self.rewrite(calm, unflag)
            fits.append(self.run_program("fit", "calm.jsonl", "--out", "-").stdout)
        self.assertIn("macs_w4a16_b1", fits[0])
        self.assertEqual(*fits)
        self.rewrite(old, lambda rows: rows.__setitem__(slice(None), [row for row in rows if row["record"] not in ("point", "end")]))
        self.finish("--resume", "old.jsonl", "--quiet")
        self.assertEqual(self.records(old, "point"), points)


class Writers(FileTest):
    def test_a_file_being_written_has_one_writer(self):
        path = self.folder / "out.jsonl"
        first = subprocess.Popen([QTRAP, "run", "tiny-campaign.json", "--out", path, "--quiet", "--set", "sessions=20"], cwd=self.folder,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            while first.poll() is None and not path.exists():
                time.sleep(0.02)
            self.refused(self.run_program("run", "--resume", path, "--quiet"), "in use by another run")
            self.refused(self.run_program("run", "tiny-campaign.json", "--out", path, "--quiet"), "in use by another run")
        finally:
            first.send_signal(signal.SIGKILL)
            first.communicate()
        self.check(path)

    def test_a_resumed_file_that_lacks_nothing_stays_as_it_is(self):
        self.finish("tiny-campaign.json", "--out", "out.jsonl", "--quiet", "--set", "sessions=1")
        path = self.folder / "out.jsonl"
        before = path.read_bytes()
        self.finish("--resume", "out.jsonl", "--quiet")
        self.assertEqual(path.read_bytes(), before)

    def test_the_end_adds_up_all_invocations(self):
        self.finish("tiny-campaign.json", "--out", "out.jsonl", "--quiet", "--set", "sessions=1")
        path = self.folder / "out.jsonl"
        end = self.records(path, "end")[0]["wall_s"]
        self.rewrite(path, lambda rows: rows[-1].update(status="interrupted", wall_s=1000.5))
        self.finish("--resume", "out.jsonl", "--quiet")
        self.assertEqual(self.records(path, "end")[0]["status"], "complete")
        self.assertGreaterEqual(self.records(path, "end")[0]["wall_s"], 1000.5)
        self.assertLess(end, 1000)

    def test_a_resumed_session_is_of_the_same_experiment(self):
        self.finish("tiny-campaign.json", "--out", "full.jsonl", "--quiet", "--set", "sessions=1")
        path = self.folder / "r.jsonl"

        def killed(change):
            shutil.copy(self.folder / "full.jsonl", path)
            self.rewrite(path, lambda rows: (change(rows), rows.__delitem__(slice(-8, None))))
            return path.read_bytes()

        def session(rows, key, **values):
            rows[0][key].update(values) if key else rows[0].update(values)

        for change, words in [
            (lambda rows: session(rows, "kernels", source_sha256="0" * 64), ["other kernels", "kernels.source_sha256", "--kernel-dir"]),
            (lambda rows: session(rows, "kernels", variant="avx2"), ["other kernels", "kernels.variant", "--variant"]),
            (lambda rows: session(rows, "device", driver="0.1"), ["another driver", "device.driver 0.1"]),
            (lambda rows: session(rows, "host", cpu="another"), ["another host", "host.cpu another"]),
            (lambda rows: session(rows, "", tool_version="0.0.1"), ["another build of qtrap", "tool_version 0.0.1"]),
            (lambda rows: session(rows, "", origin="imported"), ["was imported"]),
            (lambda rows: [row.update(resident_layers=0) for row in rows if row["record"] == "trial"], ["resident_layers", "line 2"]),
        ]:
            before = killed(change)
            self.refused(self.run_program("run", "--resume", path, "--quiet"), *words)
            self.assertEqual(path.read_bytes(), before, words)
        before = killed(lambda rows: None)
        self.refused(self.run_program("run", "--resume", path, "--quiet", "--seed", "7"), "another seed", "--seed")
        self.refused(self.run_program("run", "--resume", path, "--quiet", "--set", "hops=7"), "another campaign", "--set")
        self.refused(self.run_program("run", "--resume", path, "--quiet", "--meter", "tdp:100"), "another energy meter", "--meter")
        model = json.loads((self.folder / "tiny.json").read_text())
        self.write("tiny.json", {**model, "ffn": 192})
        self.refused(self.run_program("run", "--resume", path, "--quiet"), "other model shapes")
        self.write("tiny.json", model)
        self.assertEqual(path.read_bytes(), before)
        self.finish("--resume", path, "--quiet", "--seed", "1", "--set", "hops=1,2")
        self.check(path)

    def test_a_file_that_lacks_its_end_alone_is_finished(self):
        self.finish("tiny-campaign.json", "--out", "r.jsonl", "--quiet", "--set", "sessions=1")
        path = self.folder / "r.jsonl"
        whole = path.read_text().splitlines(True)
        for cut in ("".join(whole[:-1]), "".join(whole[:-1]) + whole[-1][:20], "".join(whole[:-3])):
            path.write_text(cut)
            self.finish("--resume", path, "--quiet")
            self.check(path)
            self.assertEqual(len(self.records(path, "point")), 14)
            self.assertEqual([end["points_ok"] for end in self.records(path, "end")], [14])

    def test_files_beside_an_output_stay(self):
        names = ["out.jsonl.writable", "out.jsonl.part", ".out.jsonl.part"]
        for name in names:
            self.write(name, "precious")
        self.finish("tiny-campaign.json", "--out", "out.jsonl", "--quiet", "--set", "sessions=1")
        for name in names:
            self.assertEqual((self.folder / name).read_text(), "precious")
        self.assertEqual(len(list(self.folder.iterdir())), 6)

    def test_a_kernel_folder_with_a_looping_link_is_refused_by_its_path(self):
        kernels = self.folder / "kernels"
        shutil.copytree(SOURCE / "kernels", kernels)
        (kernels / "loop").symlink_to("loop")
        self.finish("tiny-campaign.json", "--device", "cpu", "--dry-run", "--kernel-dir", "kernels")
        (kernels / "loop.cl").symlink_to("loop.cl")
        self.refused(self.run_program("run", "tiny-campaign.json", "--device", "cpu", "--dry-run", "--kernel-dir", "kernels"), "kernels/loop.cl")


class Readers(FileTest):
    def test_a_file_that_can_be_read_once_is_read(self):
        path = self.import_table()
        for reader in READERS:
            with subprocess.Popen(["cat", path], stdout=subprocess.PIPE) as source:
                done = self.read_with(reader, "/dev/stdin", stdin=source.stdout)
            self.assertEqual(done.returncode, 0, (reader, done.stderr))

    def test_a_session_given_twice_is_refused(self):
        path = self.import_table()
        shutil.copy(path, self.folder / "copy.jsonl")
        for reader in ["fit", "compare", "export"]:
            for second in [path, "copy.jsonl"]:
                self.refused(self.read_with(reader, path, second), "a session that was given before")

    def test_a_compressed_file_is_named_as_such(self):
        path = self.import_table()
        (self.folder / "r.gz").write_bytes(gzip.compress(path.read_bytes()))
        for reader in READERS:
            self.refused(self.read_with(reader, "r.gz"), "compressed by gzip", "gunzip")

    def test_a_lack_of_memory_is_one_line_and_never_an_abort(self):
        first = self.import_table().read_text().splitlines()[0]
        self.write("small.jsonl", first[:-1] + ',"zzz":[' + "1," * 1900000 + "1]}\n")
        self.write("large.jsonl", first[:-1] + ',"zzz":[' + "1," * 6000000 + "1]}\n")
        self.refused(self.read_with("check", "large.jsonl"), "a line of the file is too long", "large.jsonl line 1")
        refused = 0
        for megabytes in range(60, 300, 20):
            limit = megabytes << 20
            done = self.read_with("check", "small.jsonl", preexec_fn=lambda limit=limit: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)))
            if done.returncode == 127 or "error while loading shared libraries" in done.stderr:
                continue
            self.assertIn(done.returncode, [0, 1], done.stderr)
            self.assertLessEqual(len(done.stderr.splitlines()), 1, done.stderr)
            refused += done.returncode
        self.assertGreater(refused, 0, "no limit was low enough")

    def test_mutated_files_are_read_by_all_or_refused_by_all(self):
        path = self.import_table()
        rows = self.records(path)
        moments = random.Random(int(os.environ.get("QTRAP_SEED", "5")))
        values = [None, True, -1, 0, 1, 2**63, 2**62, 5e-324, 1e308, -1e308, 0.5, "", "ok", "trap", "\u0000\u001b[2J'|=", [], [1], {}, "f16", "x" * 5000]
        seen = set()
        for _ in range(int(os.environ.get("QTRAP_MUTATIONS", "30"))):
            changed = json.loads(json.dumps(rows))
            for _ in range(moments.choice([1, 1, 2])):
                row = moments.choice(changed)
                action = moments.random()
                if action < 0.8:
                    part = moments.choice([row, row, *(value for value in row.values() if isinstance(value, dict) and value)])
                    part[moments.choice(list(part))] = moments.choice(values)
                elif action < 0.9:
                    changed.insert(moments.randrange(len(changed)), row)
                else:
                    changed.remove(row)
                if not changed:
                    break
            self.write("m.jsonl", "".join(json.dumps(row) + "\n" for row in changed))
            codes = {}
            for reader in READERS:
                done = self.read_with(reader, "m.jsonl")
                codes[reader] = done.returncode
                self.assertIn(done.returncode, [0, 2], (reader, done.stderr))
                self.assertNotIn("defect", done.stderr)
                self.assertNotRegex(done.stdout + done.stderr, "[\\x00-\\x08\\x0b-\\x1f\\x7f]")
                self.assertEqual(len(done.stderr.splitlines()), done.returncode // 2, done.stderr)
            if codes["check"] == 2:
                self.assertEqual(set(codes.values()), {2}, codes)
            seen.add(codes["check"])
        self.assertEqual(seen, {0, 2})


if __name__ == "__main__":
    unittest.main()
