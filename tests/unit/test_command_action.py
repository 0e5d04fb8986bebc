"""The action of `approvals run`: every file that the command names, by its content, or a clear refusal."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from approvals.requests.codec import canonical
from cli.command_action import NotApprovableError, command_action
from demo.process import ROOT


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, and a program in PATH."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bin").mkdir()
    program(tmp_path / "bin/terraform")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path


def program(path: Path, text: str = "#!/bin/sh\n") -> None:
    path.write_text(text)
    path.chmod(0o755)


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def test_the_action_is_the_command_its_folder_its_program_and_its_files(folder: Path) -> None:
    Path("plan.out").write_bytes(b"plan")
    action = command_action(["terraform", "apply", "plan.out"])
    assert action.program == str(folder / "bin/terraform")
    assert action.document == {
        "Command": ["terraform", "apply", "plan.out"],
        "Directory": str(folder),
        "Files": {str(folder / "bin/terraform"): digest(b"#!/bin/sh\n"), "plan.out": digest(b"plan")},
    }


@pytest.mark.parametrize(
    "argument",
    [
        "my file",
        "./my file",
        "--file=my file",
        "file=my file",
        "--set-file=key=my file",
        "@my file",
        "-d@my file",
        "--data=@my file",
        "data@my file",
        "-fmy file",
        "file://my file",
        "fileb://my file",
        "--zip-file=fileb://my file",
    ],
)
def test_a_file_is_found_wherever_an_argument_names_it(argument: str) -> None:
    Path("my file").write_bytes(b"content")
    before = command_action(["terraform", argument])
    assert list(before.files.values())[1:] == [digest(b"content")]
    Path("my file").write_bytes(b"Content")
    assert command_action(["terraform", argument]) != before


@pytest.mark.parametrize(
    "argument", ["", "-", "--", "-f", "--file=", "@", "missing", "--file=missing", "a" * 300, "x/y"]
)
def test_an_argument_that_names_no_file_is_in_the_command_alone(argument: str) -> None:
    Path("x").touch()
    action = command_action(["terraform", argument])
    assert len(action.files) == 1
    assert action.document["Command"] == ["terraform", argument]


def test_the_null_device_has_no_content_to_approve() -> None:
    assert len(command_action(["terraform", os.devnull, f"--out={os.devnull}"]).files) == 1


@pytest.mark.parametrize("argument", ["infra", ".", "-chdir=infra", "-Cinfra", "@infra"])
@pytest.mark.parametrize(
    "change",
    [
        lambda: Path("infra/a").write_text("another"),
        lambda: Path("infra/modules/deep/b").write_text("another"),
        lambda: Path("infra/modules/new").touch(),
        lambda: Path("infra/modules/empty").mkdir(),
        lambda: Path("infra/a").rename("infra/c"),
        lambda: Path("infra/modules/deep/b").unlink(),
        lambda: Path("outside/main.tf").write_text("another"),
        lambda: Path("outside").rename("elsewhere"),
    ],
)
def test_a_folder_counts_by_everything_in_it(argument: str, change: Callable[[], object]) -> None:
    Path("infra/modules/deep").mkdir(parents=True)
    Path("infra/a").write_text("a")
    Path("infra/modules/deep/b").write_text("b")
    Path("outside").mkdir()
    Path("outside/main.tf").write_text("c")
    Path("infra/link").symlink_to("../outside")
    before = command_action(["terraform", argument])
    assert command_action(["terraform", argument]) == before
    change()
    after = command_action(["terraform", argument])
    assert before.words == after.words
    assert before.files.keys() == after.files.keys()
    assert before.files != after.files


def test_a_file_with_the_text_of_a_folders_digest_is_not_that_folder() -> None:
    Path("infra").mkdir()
    Path("infra/a").write_bytes(b"a")
    before = command_action(["terraform", "infra"]).files["infra"]
    text = canonical({"a": digest(b"a")})
    assert before == f"folder-{digest(text.encode())}"
    shutil.rmtree("infra")
    Path("infra").write_text(text)
    assert command_action(["terraform", "infra"]).files["infra"] != before


def test_a_folder_without_fixed_content_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("infra").mkdir()
    Path("infra/loop").symlink_to("../infra")
    with pytest.raises(NotApprovableError, match="infra/loop contains itself"):
        command_action(["terraform", "infra"])
    Path("infra/loop").unlink()
    os.mkfifo("infra/pipe")
    with pytest.raises(NotApprovableError, match="infra/pipe is a pipe"):
        command_action(["terraform", "infra"])
    Path("infra/pipe").unlink()
    Path(os.fsdecode(b"infra/\xff")).touch()
    with pytest.raises(NotApprovableError, match="'infra' has a file whose name is not UTF-8"):
        command_action(["terraform", "infra"])
    monkeypatch.setattr("cli.content_digests.MAX_FILES", 2)
    with pytest.raises(NotApprovableError, match="is one of more than 2 files, which is the maximum"):
        command_action(["terraform", "infra"])


def test_a_link_that_leads_nowhere_counts_as_nothing_until_it_leads_somewhere() -> None:
    Path("infra").mkdir()
    Path("infra/link").symlink_to("nowhere")
    before = command_action(["terraform", "infra"])
    Path("infra/nowhere").touch()
    assert command_action(["terraform", "infra"]) != before


def test_folders_may_be_nested_deeper_than_python_calls() -> None:
    """Or be refused, which needs no more calls than Python allows."""
    Path("/".join(["d"] * 400)).mkdir(parents=True)
    with pytest.raises(NotApprovableError, match="or is nested deeper than 100 folders"):
        command_action(["terraform", "d"])


def test_what_is_no_regular_file_is_refused_without_waiting_for_it() -> None:
    os.mkfifo("pipe")
    with pytest.raises(NotApprovableError, match="pipe is a pipe, a socket or a device"):
        command_action(["terraform", "pipe"])
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        with pytest.raises(NotApprovableError, match="socket is a pipe, a socket or a device"):
            command_action(["terraform", "--to=socket"])
    with pytest.raises(NotApprovableError, match="/dev/zero is a pipe, a socket or a device"):
        command_action(["terraform", "/dev/zero"])


def test_a_symlink_counts_by_what_it_leads_to() -> None:
    Path("a").write_bytes(b"a")
    Path("b").write_bytes(b"b")
    Path("link").symlink_to("a")
    before = command_action(["terraform", "link"])
    assert before.files["link"] == digest(b"a")
    Path("link").unlink()
    Path("link").symlink_to("b")
    assert command_action(["terraform", "link"]).files["link"] == digest(b"b")
    Path("link").unlink()
    Path("link").symlink_to("link")
    with pytest.raises(NotApprovableError, match="can't be approved: can't read link"):
        command_action(["terraform", "link"])


def test_a_file_that_appears_or_disappears_makes_another_action() -> None:
    absent = command_action(["terraform", "plan.out"])
    Path("plan.out").touch()
    present = command_action(["terraform", "plan.out"])
    assert absent != present
    Path("plan.out").unlink()
    assert command_action(["terraform", "plan.out"]) == absent


def test_another_program_of_the_name_earlier_in_path_makes_another_action(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = command_action(["terraform"])
    (folder / "first").mkdir()
    program(folder / "first/terraform")
    monkeypatch.setenv("PATH", f"{folder / 'first'}:{folder / 'bin'}")
    after = command_action(["terraform"])
    assert before.words == after.words
    assert before.files != after.files
    program(folder / "first/terraform", "#!/bin/sh\nexit 1\n")
    assert command_action(["terraform"]).files != after.files


def test_a_program_may_be_named_by_its_path() -> None:
    program(Path("deploy.sh"))
    action = command_action(["./deploy.sh", "bin/terraform"])
    assert action.program == "./deploy.sh"
    assert list(action.files) == ["./deploy.sh", "bin/terraform"]


@pytest.mark.parametrize("name", ["no-such-program", "", "./plan.out", "bin"])
def test_a_program_that_can_not_be_executed_is_refused(name: str) -> None:
    Path("plan.out").touch()
    with pytest.raises(NotApprovableError, match="no program of this name in PATH"):
        command_action([name])


@pytest.mark.skipif(
    os.geteuid() == 0 and not Path("/usr/bin/setpriv").exists(), reason="root reads all: install setpriv (util-linux)"
)
@pytest.mark.parametrize("folder_mode", [0o755, 0o600])
def test_a_file_that_can_not_be_read_is_refused(folder: Path, folder_mode: int) -> None:
    """Or one of which nobody can say whether it is there."""
    code = (
        "from cli.command_action import *\n"
        "try: command_action(['terraform', 'dir/secret'])\n"
        "except NotApprovableError as error: print(error)"
    )
    (folder / "dir").mkdir()
    Path("dir/secret").touch(mode=0o000)
    Path("dir").chmod(folder_mode)
    for path in (folder, *list(folder.parents)[:2]):
        path.chmod(0o755)
    drop = ["/usr/bin/setpriv", "--reuid=65534", "--clear-groups"] if os.geteuid() == 0 else []
    environ = {"PATH": str(folder / "bin"), "PYTHONPATH": str(ROOT)}
    said = subprocess.run(
        [*drop, sys.executable, "-c", code], cwd=folder, env=environ, capture_output=True, text=True, check=False
    )
    assert "can't be approved: can't read dir/secret: Permission denied." in said.stdout, said.stderr


def test_what_is_not_utf_8_is_refused_because_approvers_could_not_read_it() -> None:
    with pytest.raises(NotApprovableError, match=r"'\\udcff' is not UTF-8"):
        command_action(["terraform", "\udcff"])


def test_large_files_are_read_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    with Path("large").open("wb") as file:
        file.truncate(256 * 1024 * 1024)
    code = (
        "import resource\nfrom cli.command_action import command_action\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\ncommand_action(['terraform', 'large'])\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 16 * 1024, "KiB"


def test_an_argument_of_separators_alone_takes_no_time() -> None:
    assert len(command_action(["terraform", "=" * 130_000]).files) == 1
