# Sourced by the scripts of bin/, which set $here: finds the project and makes sure of its virtual environment.

root=$(dirname -- "$here")

# Prints the first Python that is new enough, and rather one that can make virtual environments by itself.
find_python() {
    second_best=
    for candidate in "${ROSEAU_PYTHON:-python3}" python3.11 python3.12 python3.13 python3.14 python3.15; do
        case $("$candidate" -c 'import sys, importlib.util as modules
print(sys.version_info >= (3, 11), modules.find_spec("ensurepip") is not None)' 2>/dev/null) in
            "True True") printf '%s\n' "$candidate"; return ;;
            "True False") second_best=${second_best:-$candidate} ;;
        esac
        if [ -n "${ROSEAU_PYTHON:-}" ]; then break; fi
    done
    if [ -n "$second_best" ]; then printf '%s\n' "$second_best"; return; fi
    echo "Roseau needs Python 3.11 or newer, and ${ROSEAU_PYTHON:-this machine} has none." \
        "Install it (Debian and Ubuntu: apt install python3 python3-venv)," \
        "or say where it is: ROSEAU_PYTHON=/path/to/python3 $0" >&2
    return 1
}

# prepare_environment VENV LIST: sets $venv to an environment that holds requirements/LIST.txt, built if need be.
# The stamp says for which project and for which requirements the environment was finished.
prepare_environment() {
    venv=$1
    requirements=$root/requirements/$2.txt
    stamp="$(cksum < "$requirements") $root"
    made=
    if [ -x "$venv/bin/python" ] && [ -f "$venv/roseau-stamp" ]; then
        IFS= read -r made < "$venv/roseau-stamp" || true
    fi
    if [ "$made" = "$stamp" ]; then return; fi
    python=$(find_python) || exit 1
    "$python" -E "$here/lib/environment.py" "$venv" "$requirements" "$stamp" "$root" || exit 1
}
