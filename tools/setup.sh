#!/bin/sh
# Make .venv with every pinned package, from the first Python that fits. Plain sh, because it must
# explain itself on a machine whose Python is too old to run anything else of the book.
set -eu

fits() {
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null
}

python=""
for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
    if fits "$candidate"; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    found=$("${PYTHON:-python3}" --version 2>&1 || true)
    echo "The book needs Python 3.11, 3.12 or 3.13 (TensorFlow has no packages for others)." >&2
    echo "Found: ${found:-no python3 at all}. Install one and, if it is not called python3," >&2
    echo "name it: make PYTHON=python3.12 ..." >&2
    exit 1
fi
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    echo "$python has no venv module. On Debian and Ubuntu: sudo apt install python3-venv" >&2
    exit 1
fi

echo "Setting up .venv with $("$python" --version): about 4 GB, several minutes, once."
"$python" -m venv --clear .venv
.venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement requirements.txt
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
touch .venv/complete
