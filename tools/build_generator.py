"""Rebuild the lesson in one file: `python tools/build_generator.py`.

It is written to generate_lesson_files.sh.

A learner may have nothing but a terminal and this one script. It therefore holds the
lesson's files as plain text, and this command copies them into it, so that nobody keeps
two versions by hand. Only links to files that the script does not carry are taken out.
With `--check` it changes nothing and fails if the script is stale.
"""

import argparse
import posixpath
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = ROOT / "generate_lesson_files.sh"

PACKAGE = "recommender"
#: Folders of the lesson: the package, the chapters, the exercises. All Python files and
#: pages in them are carried. A folder stands behind the one that it is in.
WHOLE_FOLDERS = ["pillars", "exercises", "exercises/checks", "exercises/solutions"]
if (ROOT / PACKAGE).is_dir():
    WHOLE_FOLDERS.insert(0, PACKAGE)
#: All folders that the script makes.
FOLDERS = ["docs", *WHOLE_FOLDERS]


def names_of_files() -> list[str]:
    """Return the names of all files that the script carries."""
    names = [
        "lesson_code.py",
        "test_lesson.py",
        "requirements.txt",
        "README.md",
        "LICENSE",
        "docs/words.md",
    ]
    for folder in WHOLE_FOLDERS:
        for path in sorted((ROOT / folder).iterdir()):
            if path.suffix in (".py", ".md"):
                names.append(f"{folder}/{path.name}")
    return names


FILES = names_of_files()

#: The line that ends each here-document: a file that holds it would be cut short there.
DELIMITER = "END_OF_LESSON_FILE"

#: The help text. Its lines are longer than a line of this file may be.
USAGE = """\
Usage: bash generate_lesson_files.sh [--force] [--] [FOLDER]

Writes the lesson's files into FOLDER (scikit_learn_ecosystem_lesson if none is given),\
 which is made if it is missing.
Files there that differ from the lesson's are kept, and nothing is written,\
 unless --force is given.

  --force     overwrite files that differ
  -h, --help  show this text
"""

HEAD = r"""#!/usr/bin/env bash
#
# Makes the folder scikit_learn_ecosystem_lesson with the lesson, its chapters and its
# exercises. It needs no network and no Python: all it will write stands below as plain
# text. Made by `python tools/build_generator.py`; change the files, not this.

set -eu
# The files are bytes to be copied, in whatever language the learner's computer speaks.
export LC_ALL=C

names="@NAMES@"
folders="@FOLDERS@"

# What `cksum` tells of each file: its checksum and its size.
recorded() {
    case $1 in
@RECORDED@
    esac
}

usage() {
    cat <<'@DELIMITER@'
@USAGE@@DELIMITER@
}

fail() { # fail STATUS MESSAGE
    printf 'generate_lesson_files.sh: %s\n' "$2" >&2
    exit "$1"
}

# Nothing for a file that cannot be read: it then differs from every recorded one.
checksum() {
    { cksum <"$1"; } 2>/dev/null
}

# The folder's name as it has to be typed.
quoted() {
    case $1 in
        *[!A-Za-z0-9_./-]*)
            printf '%s\n' "$1" | sed "s/'/'\\\\''/g; 1s/^/'/; \$s/\$/'/"
            ;;
        *) printf '%s\n' "$1" ;;
    esac
}

next_steps() {
    printf '%s\n' "The lesson is in '$target'. Next:" "" \
        "    cd $(quoted "$target")" \
        "    python3 -m venv .venv" \
        "    source .venv/bin/activate" \
        "    pip install -r requirements.txt" \
        "    python lesson_code.py" \
        "    python -m pytest test_lesson.py -v" \
        "    python pillars/0_first.py             \
(chapters: a question each)" \
        "    python -m pytest exercises            (small broken programs to mend)"
}

# However the script ends, nothing half-written stays. A script whose end is missing
# stops without an error of its own.
unfinished=""
made=""
complete=no
on_exit() {
    status=$?
    [ -z "$unfinished" ] || rm -rf "$unfinished"
    if [ "$status" -ne 0 ]; then
        for folder in $made; do
            rmdir "$target/$folder" 2>/dev/null || :
        done
    elif [ "$complete" != yes ]; then
        fail 1 "this script is cut short; get it again"
    fi
}
trap on_exit EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# ----- What is asked for

target=scikit_learn_ecosystem_lesson
targets=0
force=no
options=yes
while [ $# -gt 0 ]; do
    case $options$1 in
        yes--) options=no ;;
        yes--force) force=yes ;;
        yes-h | yes--help)
            usage
            complete=yes
            exit 0
            ;;
        yes-*) fail 2 "unknown option '$1' (--help tells the options)" ;;
        *)
            [ -n "$1" ] || fail 2 "the folder's name is empty"
            [ $targets -eq 0 ] || fail 2 "one folder at a time, not '$target' and '$1'"
            target=$1
            targets=1
            ;;
    esac
    shift
done
# No command may take a folder's name for an option.
case $target in -*) target=./$target ;; esac

# ----- What is there already: all is checked before anything is written

if [ -e "$target" ] && [ ! -d "$target" ]; then
    fail 1 "'$target' is a file, not a folder"
fi
for folder in $folders; do
    if [ -e "$target/$folder" ] && [ ! -d "$target/$folder" ]; then
        fail 1 "'$target/$folder' is in the way and is no folder; nothing was changed"
    fi
done
missing=""
differing=""
for name in $names; do
    file=$target/$name
    if [ -f "$file" ]; then
        [ "$(checksum "$file")" = "$(recorded "$name")" ] ||
            differing="$differing $name"
    elif [ -e "$file" ] || [ -L "$file" ]; then
        fail 1 "'$file' is in the way and is no file; nothing was changed"
    else
        missing="$missing $name"
    fi
done
if [ -n "$differing" ] && [ $force = no ]; then
    fail 1 "these files in '$target' differ from the lesson's:$differing; \
nothing was changed (--force overwrites them)"
fi
if [ -z "$missing$differing" ]; then
    next_steps
    complete=yes
    exit 0
fi

# ----- The files, first into a folder of their own inside the target, so that moving
# them is only a renaming

new=$target/.new-lesson-files.$$
if [ ! -d "$target" ]; then
    reason=$(mkdir "$target" 2>&1) ||
        fail 1 "cannot make the folder '$target' ($reason)"
    unfinished=$target
fi
reason=$(mkdir "$new" 2>&1) ||
    fail 1 "cannot write in the folder '$target' ($reason)"
[ -n "$unfinished" ] || unfinished=$new
for folder in $folders; do
    mkdir "$new/$folder"
done
"""

TAIL = r"""
# ----- Into place, once every file is known to be whole

for name in $names; do
    [ "$(checksum "$new/$name")" = "$(recorded "$name")" ] ||
        fail 1 "$name came out wrong: this script was altered, so get it again \
(nothing was changed)"
done
# From here on an interruption would leave some files new and some old.
trap '' HUP INT TERM
for folder in $folders; do
    [ -d "$target/$folder" ] || made="$folder $made"
    reason=$(mkdir -p "$target/$folder" 2>&1) ||
        fail 1 "cannot make the folder '$target/$folder' ($reason)"
done
for name in $missing $differing; do
    mv -f "$new/$name" "$target/$name"
done
unfinished=$new
next_steps
complete=yes
"""


#: A link or a picture of Markdown: a mark of exclamation, its text, and its target.
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^()\s]+)\)")
#: Lines that hold nothing but a picture, and the empty lines after them.
PICTURE_LINE = re.compile(rf"^{LINK.pattern}\n+", re.MULTILINE)

#: A picture that is a link.
LINKED_PICTURE = re.compile(rf"\[{LINK.pattern}\]\([^()\s]+\)\n*")

#: What is said under the title of a page from which links were taken.
NOTE = """
(`generate_lesson_files.sh` wrote this folder: the lesson, its ten checks, the chapters
and the exercises. Only the whole project has pictures, the commands with `--break`,
`serve`, `make` and `pip install .`, the folders `tests`, `serving` and `benchmarks`,
and the other pages of `docs`.)
"""


def without_dead_links(name: str, page: str) -> str:
    """Take out what leads to files that the script does not carry.

    Of a link, text and target remain; of a picture, nothing. Under the title of a page
    that lost some, a note says so.
    """

    def is_dead(target):
        if re.match(r"[a-z]+:|#", target):
            return False  # a page of the web, or a section of this page
        path = posixpath.join(posixpath.dirname(name), target.partition("#")[0])
        return posixpath.normpath(path) not in [*FILES, *FOLDERS]

    def mend(link):
        exclamation, text, target = link.groups()
        if not is_dead(target):
            return link[0]
        return "" if exclamation else f"{text} (`{target}`)"

    def mend_line(link):
        return "" if link[1] and is_dead(link[3]) else link[0]

    def mend_linked_picture(link):
        return "" if is_dead(link[3]) else link[0]

    mended = LINKED_PICTURE.sub(mend_linked_picture, page)
    mended = PICTURE_LINE.sub(mend_line, mended)
    mended = LINK.sub(mend, mended)
    if mended == page:
        return page
    title, _, rest = mended.partition("\n")
    return f"{title}\n{NOTE}{rest}"


def read_files() -> dict[str, bytes]:
    """Return the files that the script carries, as it writes them."""
    files = {}
    for name in FILES:
        data = (ROOT / name).read_bytes()
        if name.endswith(".md"):
            data = without_dead_links(name, data.decode("utf-8")).encode("utf-8")
        files[name] = data
    return files


def cksum(data: bytes) -> str:
    """Return what POSIX `cksum` prints of these bytes.

    macOS has that command, but no `sha256sum`.
    """
    n_bytes_of_size = (len(data).bit_length() + 7) // 8
    size = len(data).to_bytes(n_bytes_of_size, "little")
    crc = 0
    for byte in data + size:
        crc ^= byte << 24
        for _ in range(8):
            is_high = crc & 0x80000000
            crc <<= 1
            if is_high:
                crc ^= 0x104C11DB7
    return f"{crc ^ 0xFFFFFFFF} {len(data)}"


def here_document(name: str, data: bytes) -> bytes:
    """Return the command that writes this file.

    Raise where a here-document would not give the same bytes.
    """
    if not data.endswith(b"\n"):
        raise ValueError(
            f"{name} does not end with a newline, as what a here-document writes "
            "always does"
        )
    if DELIMITER.encode() in data:
        raise ValueError(
            f"{name} contains {DELIMITER}, which ends the here-documents: choose "
            "another delimiter"
        )
    if b"\0" in data or b"\r" in data:
        raise ValueError(
            f"{name} contains a NUL or a carriage return, which do not pass unharmed "
            "through every shell"
        )
    command = f"\ncat >\"$new/{name}\" <<'{DELIMITER}'\n"
    return command.encode() + data + f"{DELIMITER}\n".encode()


def build(files: dict[str, bytes]) -> bytes:
    """Put the whole script together."""
    checksums = []
    documents = []
    for name, data in files.items():
        checksums.append(f'        {name}) echo "{cksum(data)}" ;;')
        documents.append(here_document(name, data))

    values = {
        "@NAMES@": " ".join(files),
        "@FOLDERS@": " ".join(FOLDERS),
        "@RECORDED@": "\n".join(checksums),
        "@USAGE@": USAGE,
        "@DELIMITER@": DELIMITER,
    }
    head = HEAD
    for placeholder, value in values.items():
        head = head.replace(placeholder, value)
    return head.encode() + b"".join(documents) + TAIL.encode()


def main() -> None:
    """Rebuild the script, or with --check tell whether that would change it."""
    parser = argparse.ArgumentParser(
        description=f"Rebuild {SCRIPT.name} from the files of the lesson."
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="change nothing; exit with 1 if the script is stale",
    )
    options = parser.parse_args()
    try:
        script = build(read_files())
    except (OSError, ValueError) as error:
        sys.exit(f"{SCRIPT.name} cannot be built: {error}")

    if not options.check:
        SCRIPT.write_bytes(script)
        SCRIPT.chmod(0o755)
    elif not SCRIPT.exists() or SCRIPT.read_bytes() != script:
        sys.exit(f"{SCRIPT.name} is stale: run `python tools/build_generator.py`.")


if __name__ == "__main__":
    main()
