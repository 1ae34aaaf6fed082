"""One trial: a fresh database, load, the report, a deploy, and what became of the requests."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from benchmarks.underload.changes import BY_NAME
from benchmarks.underload.load import load, report
from benchmarks.underload.peers.tool import Deploy, NotRunnable, Tool
from benchmarks.underload.results import Trial
from benchmarks.underload.server import Server

AFTER = 1.0  # seconds from the begin of the report to that of the deploy
REST = 1.2  # seconds of load after both have ended
PATIENCE = 400.0  # seconds after which a deploy that has not ended is killed
# A deploy runs on some other machine than the server. Here, its start-up must not take the
# processors away from those whose requests are measured: it gets what nobody else wants.
ASIDE = ("chrt", "--idle", "0") if shutil.which("chrt") else ("nice", "-n", "19")


class Range:
    """Runs trials on a server. A tool is set up when it is needed first."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.server, self.folder = server, folder
        self._numbered = 0
        self._ready: dict[str, str] = {}  # by name: why it cannot be run, or nothing

    def set_up(self, tool: Tool) -> None:
        """Install a tool, and keep a database that it knows of.

        Raises:
            NotRunnable: that is not possible here.
        """
        if tool.name not in self._ready:
            try:
                tool.install()
                self.server.fresh()
                code, said, _ = run_aside(tool.first(tool.folder))
                if code:
                    raise NotRunnable(f"its first migration fails: {said}")
                self.server.keep(tool.name)
                self._ready[tool.name] = ""
            except NotRunnable as error:
                self._ready[tool.name] = str(error)
        if self._ready[tool.name]:
            raise NotRunnable(self._ready[tool.name])

    def run(self, tool: Tool | None, change: str, round_: int) -> Trial:
        """Deploy one change with one tool; or none, for comparison.

        Raises:
            NotRunnable: the tool cannot be run here.
        """
        deploy = None
        if tool:
            self.set_up(tool)
            if not tool.has(change):  # it may ask the database what there is to change
                self.server.fresh(tool.name)
            deploy = tool.deploy(tool.project(change))
        self.server.fresh(tool.name if tool else "base")
        self._numbered += 1
        scratch = self.folder / f"load-{self._numbered}"
        code, said, seconds = 0, "", 0.0
        with load(self.server.programs, scratch, self.server.plain) as running:
            running.since = time.time()
            with report(self.server.plain):
                time.sleep(AFTER)
                if deploy:
                    code, said, seconds = run_aside(deploy)
            time.sleep(REST)
            requests = running.stop()
        return Trial(
            tool=tool.name if tool else "",
            version=tool.version if tool else "",
            about=tool.about if tool else "",
            change=change,
            round=round_,
            applied=bool(tool) and self.server.true(BY_NAME[change].applied),
            exit_code=code,
            said=said,
            seconds=round(seconds, 2),
            requests=requests,
        )


def run_aside(deploy: Deploy) -> tuple[int, str, float]:
    """Return the exit code (-9: it did not end in time), the last words, and the seconds."""
    with tempfile.TemporaryFile() as output:
        begin = time.perf_counter()
        process = subprocess.Popen(
            (*ASIDE, *deploy.command),
            cwd=deploy.folder,
            env=deploy.environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            with suppress(subprocess.TimeoutExpired):
                process.wait(PATIENCE)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        seconds = time.perf_counter() - begin
        output.seek(0)
        lines = output.read().decode(errors="replace").strip().splitlines()
    return process.returncode, " | ".join(lines[-3:])[-400:], seconds
