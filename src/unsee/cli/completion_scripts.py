"""Scripts by which bash, zsh and fish complete the words of `unsee`."""

import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version


@dataclass(frozen=True)
class Values:
    """What an option or a command takes."""

    words: tuple[str, ...] = ()
    paths: bool = False
    """Whether it takes paths."""
    several: bool = False
    """Whether it takes several words."""


@dataclass(frozen=True)
class Option:
    """An option of a command."""

    flags: tuple[str, ...]
    help: str = ""
    values: Values | None = None
    """None for a switch."""


@dataclass(frozen=True)
class Command:
    """A command, such as `explain` or `train casm`."""

    name: str
    summary: str
    options: tuple[Option, ...] = ()
    values: Values | None = None
    """What it takes beside its options."""


LOOKUP = """\
# Completion of the command line of unsee {version}, made by: unsee completion {shell}

# For COMMAND, or "COMMAND OPTION": what it takes (no, one or many words), which words, and paths.
_unsee_lookup() {{
  unsee_takes=no unsee_words="" unsee_paths=no
  case "$1" in
{cases}
  esac
}}

_unsee_options() {{
  case "$1" in
{options}
  esac
}}
"""
BASH = r"""
_unsee() {
  local unsee_takes unsee_words unsee_paths current="" command="" option="" candidates=""
  local line=${COMP_LINE:0:COMP_POINT} count=0 number=0 words word start=1
  COMPREPLY=()
  # words as the shell passes them; bash itself also splits at : and =
  read -r -a words <<< "$line"
  number=${#words[@]}
  if [[ $line != *[[:space:]] ]]; then
    number=$((number - 1))
    current=${words[number]}
  fi
  if ((number > 1)); then
    command=${words[1]} start=2
    if ((number > 2)) && [[ $command == train || $command == list ]]; then
      command="$command ${words[2]}" start=3
    fi
  fi
  while ((start < number)); do
    word=${words[start]} start=$((start + 1)) count=$((count + 1))
    if [[ $word == -* ]]; then
      option=$word count=0
    fi
  done
  _unsee_lookup "$command $option"
  if [[ -z $option || $unsee_takes == no || ( $unsee_takes == one && $count -gt 0 ) ]]; then
    _unsee_lookup "$command"
  fi
  if [[ $current == -* ]]; then
    candidates=$(_unsee_options "$command") unsee_paths=no
  else
    candidates=$unsee_words
  fi
  local IFS=$' \t\n'
  COMPREPLY=($(compgen -W "$candidates" -- "$current"))
  if [[ $current == *:* && $COMP_WORDBREAKS == *:* ]]; then
    # bash replaces only what follows the colon
    local head=${current%"${current##*:}"} index
    for index in "${!COMPREPLY[@]}"; do
      COMPREPLY[index]=${COMPREPLY[index]#"$head"}
    done
    if ((${#COMPREPLY[@]} == 0)) && [[ $current != -* ]]; then
      unsee_paths=yes current=${current##*:}
    fi
  fi
  if [[ $unsee_paths == yes ]]; then
    IFS=$'\n'
    COMPREPLY+=($(compgen -f -- "$current"))
    type compopt &> /dev/null && compopt -o filenames 2> /dev/null
  fi
  if [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *: ]]; then
    type compopt &> /dev/null && compopt -o nospace 2> /dev/null
  fi
  return 0
}
complete -F _unsee unsee
"""
ZSH = r"""
_unsee() {
  local unsee_takes unsee_words unsee_paths command="" option="" word
  local -i count=0 start=2
  local -a candidates
  if ((CURRENT > 2)); then
    command=$words[2] start=3
    if ((CURRENT > 3)) && [[ $command == train || $command == list ]]; then
      command="$command $words[3]" start=4
    fi
  fi
  while ((start < CURRENT)); do
    word=$words[start] start+=1 count+=1
    if [[ $word == -* ]]; then
      option=$word count=0
    fi
  done
  _unsee_lookup "$command $option"
  if [[ -z $option || $unsee_takes == no || ( $unsee_takes == one && $count -gt 0 ) ]]; then
    _unsee_lookup "$command"
  fi
  if [[ $PREFIX == -* ]]; then
    candidates=(${=$(_unsee_options "$command")})
    compadd -a candidates
    return
  fi
  candidates=(${=unsee_words})
  compadd -- ${candidates:#*:}
  compadd -S '' -- ${(M)candidates:#*:}
  if [[ $PREFIX == *:* ]] && ((compstate[nmatches] == 0)); then
    compset -P '*:'
    unsee_paths=yes
  fi
  if [[ $unsee_paths == yes ]]; then
    _files
  fi
}
if [[ $funcstack[1] == _unsee ]]; then
  _unsee "$@"
else
  compdef _unsee unsee
fi
"""
FISH = r"""# Completion of the command line of unsee {version}, made by: unsee completion fish

# Whether the words before the cursor begin with this command.
function __unsee_is
    set -l words (commandline -opc)
    set -l last (math 1 + (count $argv))
    test (count $words) -ge $last; or return 1
    test "$words[2..$last]" = "$argv"
end

# Whether the last option before the cursor is one of these.
function __unsee_after
    set -l words (commandline -opc)
    for word in $words[-1..1]
        if string match -q -- '-*' $word
            contains -- $word $argv
            return
        end
    end
    return 1
end

complete -c unsee -f
"""


def bash(commands: Sequence[Command]) -> str:
    """Return the script for bash 3.2 and newer."""
    return _lookup(commands, "bash") + BASH


def zsh(commands: Sequence[Command]) -> str:
    """Return the script for zsh."""
    return "#compdef unsee\n" + _lookup(commands, "zsh") + ZSH


def _lookup(commands: Sequence[Command], shell: str) -> str:
    """Return functions of both shells that say what commands and options take."""
    patterns: dict[str, list[str]] = {}
    options = []
    for command in commands:
        if command.values is not None:
            patterns.setdefault(_taken(command.values), []).append(f'"{command.name}"')
        for option in command.options:
            if option.values is not None:
                names = [f'"{command.name} {flag}"' for flag in option.flags]
                patterns.setdefault(_taken(option.values), []).extend(names)
        flags = " ".join(flag for option in command.options for flag in option.flags)
        options.append(f'  "{command.name}") echo "{flags} --help" ;;')
    for prefix, words in _first_words(commands).items():
        patterns.setdefault(_taken(Values(words)), []).append(f'"{prefix}"')
    options.append('  "") echo "--help --version" ;;')
    cases = [f"  {'|'.join(names)})\n    {taken} ;;" for taken, names in patterns.items()]
    return LOOKUP.format(
        version=version("unsee"), shell=shell, cases="\n".join(cases), options="\n".join(options)
    )


def _first_words(commands: Sequence[Command]) -> dict[str, tuple[str, ...]]:
    """Return the words that follow `unsee`, and a command that has commands of its own."""
    words: dict[str, dict[str, None]] = {"": {}}
    for command in commands:
        first, _, second = command.name.partition(" ")
        words[""][first] = None
        if second:
            words.setdefault(first, {})[second] = None
    return {prefix: tuple(names) for prefix, names in words.items()}


def _taken(values: Values) -> str:
    """Return the assignments of the shell for what is taken."""
    takes, paths = "many" if values.several else "one", "yes" if values.paths else "no"
    return (
        f"unsee_takes={takes} unsee_paths={paths} unsee_words={shlex.quote(' '.join(values.words))}"
    )


def fish(commands: Sequence[Command]) -> str:
    """Return the script for fish."""
    lines = [FISH.replace("{version}", version("unsee"))]
    lines += [
        f"complete -c unsee -n 'test (count (commandline -opc)) -eq 1' -l {name}"
        for name in ("help", "version")
    ]
    summaries = {command.name: command.summary for command in commands}
    for prefix, names in _first_words(commands).items():
        place = f"test (count (commandline -opc)) -eq {1 + len(prefix.split())}"
        place += f"; and __unsee_is {prefix}" if prefix else ""
        for name in names:
            summary = summaries.get(f"{prefix} {name}".strip(), "")
            lines.append(_fish(place, f"-a {name}", summary))
    for command in commands:
        lines += _fish_command(command)
    return "\n".join(lines) + "\n"


def _fish_command(command: Command) -> list[str]:
    """Return the lines of one command."""
    place = f"__unsee_is {command.name}"
    lines = [_fish(place, "-l help", "show the options")]
    if command.values is not None:
        lines.append(_fish(place, _fish_values(command.values)))
    for option in command.options:
        names = " ".join(f"-l {flag.removeprefix('--')}" for flag in option.flags)
        summary = re.split(r"[.;:] |, (?=[A-Z]+[\[:])", f"{option.help} ")[0].rstrip(".")
        if option.values is None:
            lines.append(_fish(place, names, summary))
            continue
        taken = _fish_values(option.values)
        lines.append(
            _fish(
                place, f"{names} {'-r' if option.values.paths else '-x'} {taken}".strip(), summary
            )
        )
        if option.values.several:  # the words after the first one
            after = f"{place}; and __unsee_after {' '.join(option.flags)}"
            lines.append(_fish(after, taken))
    return [line for line in lines if line]


def _fish_values(values: Values) -> str:
    words = f"-a {shlex.quote(' '.join(values.words))}" if values.words else ""
    return f"{'-F' if values.paths else ''} {words}".strip()


def _fish(place: str, what: str, summary: str = "") -> str:
    """Return a line of fish, empty where nothing is completed."""
    if not what:
        return ""
    text = summary.replace("\\", "\\\\").replace("'", "\\'")
    return f"complete -c unsee -n '{place}' {what}" + (f" -d '{text}'" if summary else "")


SCRIPTS: dict[str, Callable[[Sequence[Command]], str]] = {"bash": bash, "zsh": zsh, "fish": fish}
"""Functions that return the script of a shell."""
