"""Each learner has a password of their own, seen once and kept as a hash."""

import json
import stat

import pytest

from workshop.hub import accounts


def test_every_name_gets_a_slip_with_a_password_that_lets_in_nobody_else(tmp_path):
    slips = {user: password for _, user, password in accounts.add(tmp_path, ["Ana", "Bo"])}
    assert slips.keys() == {"teacher", "ana", "bo"} and len(set(slips.values())) == 3
    assert accounts.accepts(tmp_path, "ana", slips["ana"])
    for user, password in [("ana", slips["bo"]), ("bo", slips["ana"]), ("ana", ""), ("eve", slips["ana"]), ("", "")]:
        assert not accounts.accepts(tmp_path, user, password)


def test_no_password_is_kept_and_no_other_account_may_read_the_file(tmp_path):
    slips = accounts.add(tmp_path, ["Ana"])
    file = tmp_path / accounts.FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not [password for *_, password in slips if password in file.read_text()]


def test_a_longer_list_changes_no_password(tmp_path):
    (*_, first) = accounts.add(tmp_path, ["Ana"])[1]
    later = accounts.add(tmp_path, ["Bo", "Ana"])
    assert [name for name, *_ in later] == ["Bo"]
    assert accounts.accepts(tmp_path, "ana", first)


def test_a_lost_slip_is_replaced_and_the_old_password_ends(tmp_path):
    (*_, first) = accounts.add(tmp_path, ["Ana"])[1]
    name, user, second = accounts.renew(tmp_path, "ana")
    assert (name, user) == ("Ana", "ana")
    assert accounts.accepts(tmp_path, "ana", second) and not accounts.accepts(tmp_path, "ana", first)
    with pytest.raises(accounts.AccountError, match="no account 'eve'.*ana, teacher"):
        accounts.renew(tmp_path, "eve")


@pytest.mark.parametrize(
    ("names", "users"),
    [
        (["Ana María Núñez"], ["ana-maria-nunez"]),
        (["李伟", "王芳"], ["learner", "learner-2"]),
        (["Li", "LI!"], ["li", "li-2"]),
        (["Łukasz Øster"], ["lukasz-oster"]),
        (["Root", "Daemon"], ["root-2", "daemon-2"]),
        (["../../etc", "-rf", "7 of 9"], ["etc", "rf", "learner"]),
        (["teacher"], ["teacher-2"]),
        (["x" * 90, "y" * 15 + " z"], ["x" * 16, "y" * 15]),
    ],
)
def test_users_have_names_that_linux_takes_and_nobody_else_has(tmp_path, names, users):
    slips = accounts.add(tmp_path, names, taken={"root", "daemon"})
    assert [user for _, user, _ in slips[1:]] == users


def test_a_list_is_read_without_empty_lines_and_remarks():
    assert accounts.read_names("# course of May\n\n Ana  B. \nBo\n") == ["Ana B.", "Bo"]


@pytest.mark.parametrize(("text", "said"), [("", "holds no name"), ("#\n", "holds no name"), ("Bo\nBo", "Bo: twice")])
def test_a_list_that_cannot_be_used_is_refused(text, said):
    with pytest.raises(accounts.AccountError, match=said):
        accounts.read_names(text)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_list_is_read_as_editors_write_it(tmp_path, encoding):
    (tmp_path / "names.txt").write_bytes("Zoë Müller\r\n\r\n李小龍\r\n".encode(encoding))
    assert accounts.read_list(tmp_path / "names.txt") == ["Zoë Müller", "李小龍"]


def test_a_list_in_another_encoding_is_refused(tmp_path):
    (tmp_path / "names.txt").write_bytes("García".encode("latin-1"))
    with pytest.raises(accounts.AccountError, match="names.txt is not written in UTF-8: save it anew"):
        accounts.read_list(tmp_path / "names.txt")


@pytest.mark.parametrize("line", ["Name;E-Mail", "Ana\tana@x.org", '"García, Ana"'])
def test_a_table_is_refused(line):
    with pytest.raises(accounts.AccountError, match="looks like a line of a table. Write the name alone"):
        accounts.read_names(f"Bo\n{line}")


def test_slips_hold_all_that_a_learner_needs(tmp_path):
    text = accounts.slips_text([("Ana", "ana", "abcd-efgh-jkmn")], "https://hub.example")
    assert all(part in text for part in ("Ana", "ana", "abcd-efgh-jkmn", "https://hub.example"))


def test_a_damaged_file_lets_nobody_in(tmp_path):
    for damaged in ("", "[]", "{", json.dumps({"ana": {"name": "Ana", "salt": "", "hash": ""}})):
        (tmp_path / accounts.FILE).write_text(damaged)
        assert not accounts.accepts(tmp_path, "ana", "")
