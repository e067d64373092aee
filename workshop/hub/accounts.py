"""Who may log in: an account for each name of a list, each with a password of its own, kept as a hash."""

import base64
import codecs
import hashlib
import hmac
import re
import secrets
import unicodedata

from helpers import storage

FILE = "accounts.json"
TEACHER = "teacher"
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that looks like another
COST = {"n": 2**14, "r": 8, "p": 1}  # of scrypt: 16 MB and some hundredths of a second
LONGEST = 16  # letters of a user: kernels are reached by sockets in the home, whose paths may not be long
PLAIN = str.maketrans(
    {"ł": "l", "Ł": "L", "ø": "o", "Ø": "O", "đ": "d", "Đ": "D", "ß": "ss", "æ": "ae", "Æ": "Ae", "ı": "i"}
)
NOBODY = {"salt": base64.b64encode(bytes(16)).decode(), "hash": ""}


class AccountError(ValueError):
    """A list of names cannot be used."""


def read_list(path):
    """Return the names in a file, as Notepad, Excel and others write it; raise `AccountError` where it is no list."""
    data = path.read_bytes()
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return read_names(data.decode("utf-16" if wide else "utf-8-sig"))
    except UnicodeDecodeError:
        raise AccountError(f"{path} is not written in UTF-8: save it anew, with that encoding.") from None


def read_names(text):
    """Return the names of a list, one a line; empty lines and those that begin with # are left out."""
    names = [" ".join(line.split()) for line in text.splitlines()]
    names = [name for name in names if name and not name.startswith("#")]
    if table := [name for name in names if re.search('[;"@]', name)]:
        raise AccountError(f"{table[0]!r} looks like a line of a table. Write the name alone, one a line.")
    if not names:
        raise AccountError("The list holds no name. Write one name a line.")
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise AccountError(f"{', '.join(twice)}: twice in the list. Give each a name of their own, such as 'Ana B.'.")
    return names


def add(folder, names, taken=()):
    """Make accounts for the names that have none yet, the teacher's among them; return (name, user, password) of each.

    `taken` are names of users that this computer has for something else.
    """
    slips = []
    with storage.noted(folder / FILE) as accounts:
        known = {account["name"] for account in accounts.values()}
        for name in ["Teacher", *names]:
            if name not in known:
                user = TEACHER if name == "Teacher" else _user(name, {*accounts, *taken, TEACHER})
                slips.append((name, user, _set_password(accounts, user, name)))
    (folder / FILE).chmod(0o600)
    return slips


def renew(folder, user):
    """Give an account a new password, as where a slip was lost; return its slip."""
    with storage.noted(folder / FILE) as accounts:
        if user not in accounts:
            raise AccountError(f"There is no account {user!r}; there are: {', '.join(sorted(accounts)) or 'none'}.")
        slip = (accounts[user]["name"], user, _set_password(accounts, user, accounts[user]["name"]))
    (folder / FILE).chmod(0o600)
    return slip


def accepts(folder, user, password):
    """Return whether this is the password of an account; an unknown user takes as long as a wrong password."""
    account = (storage.notes(folder / FILE) or {}).get(user, NOBODY)
    computed = _hash(password, base64.b64decode(account["salt"]))
    return hmac.compare_digest(computed.encode(), account["hash"].encode())


def slips_text(slips, address):
    """Return slips to print and cut apart."""
    line = "- " * 34 + "\n"
    texts = [
        f"{name}\n\n    address    {address}\n    user       {user}\n    password   {password}\n\n"
        for name, user, password in slips
    ]
    return line + "".join(text + line for text in texts)


def _set_password(accounts, user, name):
    password = "-".join("".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(3))
    salt = secrets.token_bytes(16)
    accounts[user] = {"name": name, "salt": base64.b64encode(salt).decode(), "hash": _hash(password, salt)}
    return password


def _hash(password, salt):
    return base64.b64encode(hashlib.scrypt(password.encode(), salt=salt, **COST)).decode()


def _user(name, taken):
    """Return a name that Linux takes, as near to a person's as it can be."""
    plain = unicodedata.normalize("NFKD", name.translate(PLAIN)).encode("ascii", "ignore").decode().lower()
    plain = re.sub("[^a-z0-9]+", "-", plain).strip("-")[:LONGEST].strip("-")
    base = plain if re.match("[a-z]", plain) else "learner"
    numbered = [base, *(f"{base}-{number}" for number in range(2, len(taken) + 3))]
    return next(user for user in numbered if user not in taken)
