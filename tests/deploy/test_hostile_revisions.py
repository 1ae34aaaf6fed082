"""Revisions that end the process or their transaction: nothing is said that is not so."""

from __future__ import annotations

import pytest

from tests.deploy.deploying import Stage, alone, execute, steps

ROWS = "CREATE TABLE rows AS SELECT n FROM generate_series(1, 10) n"
ADD = execute("ALTER TABLE rows ADD extra int")
COLUMN = "SELECT FROM pg_attribute WHERE attrelid = 'rows'::regclass AND attname = 'extra'"
NON_TRANSACTIONAL = "transactional = False\n\n\ndef upgrade"


@pytest.mark.parametrize(
    "end",
    [
        "raise SystemExit(0)",
        "import sys; sys.exit('that is enough')",
        "exit()",
        "import os; os._exit(0)",
        "from posix import _exit; _exit(0)",
        "import os; os.execlp('true', 'true')",
        "raise GeneratorExit",
        "raise type('Enough', (BaseException,), {})('said')",
    ],
)
def test_that_ends_the_process(stage: Stage, end: str) -> None:
    """Whatever exit code it asks for, and also where it is only rendered."""
    stage.begin(ROWS)
    stage.history(execute(ROWS), execute("CREATE TABLE before ()"), steps(ADD, end))
    output = stage.run(code=1)
    assert "Revision step3 failed: A revision, or code that it imports, has " in output
    assert "which ends a program" in output
    assert "Its transaction was rolled back. The database is at step2" in output
    assert (stage.at, stage.ask(COLUMN)) == ("step2", [])
    assert stage.ask("SELECT revision, direction FROM migration_log ORDER BY id") == [
        ("step2", "upgrade"),
        ("step3", "failed upgrade"),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "import os; os.environ.clear()",
        "import os; os.environ['DATABASE_URL'] = 'postgresql://nobody@127.0.0.1:1/nothing'",
        "import os; os.chdir('/')",
    ],
)
def test_that_changes_what_the_deploy_goes_on_with(stage: Stage, line: str) -> None:
    """Also where it is only rendered."""
    stage.begin(ROWS)
    stage.history(execute(ROWS), execute("SELECT 1"), steps(ADD, line), execute("SELECT 1"))
    output = stage.run()
    assert "The database is at step4" in output
    assert stage.at == "step4"
    assert stage.ask("SELECT verified FROM migration_log") == [("yes",)] * 3


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "raise type('Own', (Exception,), {'__str__': lambda self: 1 / 0})()",
            "Own: its text cannot be read (ZeroDivisionError)",
        ),
        ("op.execute('SELECT \\'\\udcff\\'')", "surrogates not allowed"),
    ],
)
def test_with_an_error_that_is_hard_to_say(stage: Stage, line: str, said: str) -> None:
    stage.begin(ROWS)
    stage.history(execute(ROWS), execute("SELECT 1"), steps(ADD, line))
    output = stage.run(code=1)
    assert "Revision step3 failed: " in output and said in output
    assert "Its transaction was rolled back. The database is at step2" in output


@pytest.mark.parametrize("body", ["BEGIN ATOMIC SELECT n FROM rows; END", "RETURN 1"])
def test_that_would_end_the_parser(stage: Stage, body: str) -> None:
    """A function whose body is no text, for which the parser of PL/pgSQL has no error."""
    stage.begin(ROWS)
    function = f"CREATE FUNCTION f() RETURNS int LANGUAGE sql {body}"
    stage.history(execute(ROWS), execute(function), ADD)
    stage.run()
    assert stage.at == "step3"


def test_that_ends_the_process_when_it_is_imported(stage: Stage) -> None:
    stage.begin(ROWS)
    stage.history(execute(ROWS), ADD)
    path = stage.files[-1]
    before = path.read_text()
    for line, said in (
        ("raise SystemExit(0)", "has raised SystemExit: 0"),
        ("import os; os._exit(0)", "has called os._exit(0)"),
    ):
        path.write_text(f"{before}\n\n{line}\n")
        for command in ("deploy", "plan", "status"):
            assert said in stage.run(code=1, command=command)
    assert stage.at == "step1"


def test_a_process_that_a_revision_forks_may_end(stage: Stage) -> None:
    """And what a child of multiprocessing ends with is not the deploy's business."""
    fork = (
        "import multiprocessing, os",
        "child = multiprocessing.get_context('fork').Process(target=os.getpid)",
        "child.start(); child.join()",
        "assert child.exitcode == 0",
    )
    stage.history(steps("if op.get_context().as_sql: return", *fork, execute(ROWS)))
    assert "applied step1" in stage.run()


@pytest.mark.parametrize(
    ("end", "code"), [("return", 0), ("raise SystemExit(3)", 3), ("raise SystemExit('why')", 1)]
)
def test_a_process_that_a_revision_forks_is_no_second_deploy(
    stage: Stage, end: str, code: int
) -> None:
    """Whether it ends by itself, or returns from the revision: with SQL that is written, too."""
    stage.begin(ROWS)
    fork = (
        "import os",
        "child = os.fork()",
        f"if child == 0: {end}",
        f"assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == {code}",
    )
    stage.history(execute(ROWS), steps(ADD, *fork), execute("ALTER TABLE rows ADD more int"))
    assert stage.run().count("applied step") == 2
    assert stage.ask("SELECT revision, direction FROM migration_log ORDER BY id") == [
        ("step2", "upgrade"),
        ("step3", "upgrade"),
    ]


@pytest.mark.parametrize("closes", ["sys.stdout.close()", "sys.stdout.close(); sys.stderr.close()"])
def test_a_revision_that_closes_the_output(stage: Stage, closes: str) -> None:
    stage.begin(ROWS)
    more = execute("ALTER TABLE rows ADD more int")
    stage.history(execute(ROWS), steps(ADD, "import sys", closes), more)
    assert "applied step3" not in stage.run()
    assert stage.at == "step3"


@pytest.mark.parametrize("sent", ["SIGTERM", "SIGINT"])
@pytest.mark.parametrize("way", ["kept = weakref.ref(one, stop)", "type(one).__del__ = stop"])
def test_a_signal_that_comes_in_a_finalizer(stage: Stage, sent: str, way: str) -> None:
    """Python ignores what is raised there, and the deploy would go on."""
    stage.begin(ROWS)
    finalized = [
        "if op.get_context().as_sql: return",
        "import os, signal, time, weakref",
        f"stop = lambda *_: [os.kill(os.getpid(), signal.{sent}), time.sleep(0.01)]",
        "one = type('One', (), {})()",
        way,
        "del one",
        "time.sleep(5)",
    ]
    stage.history(execute(ROWS), steps(ADD, *finalized))
    output = stage.run(code=130)
    assert "Stopped in revision step2" in output
    assert (stage.at, stage.ask(COLUMN)) == ("step1", [])


@pytest.mark.parametrize(
    "undo",
    [
        execute("ROLLBACK"),
        execute("/* now */ abort work"),
        execute("ALTER TABLE rows ADD more int; ROLLBACK AND CHAIN"),
        "op.get_bind().rollback()",
        "op.get_bind().get_transaction().rollback()",
        "op.get_bind().connection.rollback()",
    ],
)
def test_that_rolls_its_transaction_back(stage: Stage, undo: str) -> None:
    """It would be recorded as applied, without what it has done."""
    stage.begin(ROWS)
    stage.history(execute(ROWS), steps(ADD, undo, "# as if nothing had been"))
    output = stage.run(code=1)
    assert "it rolls its own transaction back, and with it ALTER TABLE rows ADD extra int" in output
    assert (stage.at, stage.ask(COLUMN)) == ("step1", [])


@pytest.mark.parametrize(
    "part",
    [
        execute("SAVEPOINT before; CREATE TABLE lost (); ROLLBACK TO before"),
        execute("SAVEPOINT b; CREATE TABLE lost (); ROLLBACK WORK TO SAVEPOINT b"),
        steps(
            "part = op.get_bind().begin_nested()",
            execute("CREATE TABLE lost ()"),
            "part.rollback()",
        ),
    ],
)
def test_that_goes_back_to_a_savepoint(stage: Stage, part: str) -> None:
    stage.begin(ROWS)
    stage.history(execute(ROWS), steps(execute("ROLLBACK"), ADD, part))
    stage.run()
    assert (stage.at, stage.ask(COLUMN)) == ("step2", [()])
    assert stage.ask("SELECT to_regclass('lost')") == [(None,)]


def test_that_prepares_its_transaction(stage: Stage) -> None:
    """Its locks would stay, and its changes would be neither there nor not."""
    stage.begin(ROWS)
    stage.history(execute(ROWS), steps(ADD, execute("PREPARE TRANSACTION 'kept'")))
    output = stage.run(code=1)
    assert "PREPARE TRANSACTION would leave its changes to be committed by somebody" in output
    assert (stage.at, stage.ask(COLUMN)) == ("step1", [])


@pytest.mark.parametrize("call", [True, False])
def test_a_statement_that_commits_while_it_runs(stage: Stage, call: bool) -> None:
    body = "BEGIN UPDATE rows SET n = 0 WHERE n = 1; COMMIT; PERFORM 1 / 0; END"
    procedure = f"CREATE PROCEDURE fill() LANGUAGE plpgsql AS $$ {body} $$"
    stage.begin(ROWS, procedure)
    stage.history(execute(ROWS), alone("CALL fill()" if call else f"DO $$ {body} $$"))
    stage.files[-1].write_text(
        stage.files[-1].read_text().replace("def upgrade", NON_TRANSACTIONAL, 1)
    )
    end = stage.lines(code=1)[-1]
    assert "Its transaction was rolled back" not in end["message"]
    assert "What the revision and its last statement had committed" in end["message"]
    assert end["partly_committed"].startswith("CALL" if call else "DO")
    assert stage.ask("SELECT count(*) FROM rows WHERE n = 0") == [(1,)]
    assert "not known    what " in stage.run(code=1)
