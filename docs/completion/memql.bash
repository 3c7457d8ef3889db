# Completion of memql for bash. Made by memql --reference=bash; do not edit.
# shellcheck shell=bash disable=SC2034,SC2154,SC2207

# An attach point: a kind of probe, then what memql lists under it.
_memql_probes()
{
    local quote=
    case $cur in
    [\'\"]*) quote=${cur:0:1} cur=${cur:1} ;;
    esac
    case $cur in
    *[\ \{]*) return ;;
    *:*) COMPREPLY=($(compgen -P "$quote" -W \
        "$("$memql" -l "$cur*" 2>/dev/null)" -- "$cur")) ;;
    *) COMPREPLY=($(compgen -P "$quote" -W 'BEGIN END self interval: profile: software: hardware: watchpoint: tracepoint: rawtracepoint: kprobe: kretprobe: fentry: fexit: iter: uprobe: uretprobe: usdt:' -- "$cur"))
        compopt -o nospace ;;
    esac
    [ -n "$quote" ] || __ltrim_colon_completions "$cur"
}

# The name of the script, or nothing: what follows it belongs to the script. Before
# it may be the word explain.
_memql_script()
{
    local i
    for ((i = 1; i < cword; i++)); do
        case $command${words[i]} in
        explain) command=explain: ;;
        explain:--line | explain:--program | explain:--run) ((++i)) ;;
        explain:--width | explain:--without | explain:-[ep]) ((++i)) ;;
        explain:-*) ;;
        -l | -lv | -vl | --list) return ;;
        -e | --expression | -c | --cmd | -p | --pid | -o | --output | -f | --format | -B | --buffer | --max-strlen | --ring-size | --object | -d | --dump | --report | -I | --include) ((++i)) ;;
        -*) ;;
        *) script=${words[i]} && return ;;
        esac
    done
}

# The words of the commands: of what memql says itself.
_memql_explain()
{
    if [ "$prev" = --without ]; then
        COMPREPLY=($(compgen -W "$("$memql" explain --help |
            sed -n '/^What can be left out/{n;p}')" -- "$cur"))
        return 0
    fi
    [[ $cur == -* ]] || return 1
    COMPREPLY=($(compgen -W "$("$memql" explain --help |
        sed -n 's/^  \(--[[:alnum:]-]*\).*/\1/p')" -- "$cur"))
    return 0
}

_memql_lesson()
{
    case $prev in
    lesson) COMPREPLY=($(compgen -W "$("$memql" lesson |
        sed -n 's/^ *\([0-9][0-9]*\)  .*/\1/p')" -- "$cur")) ;;
    [0-9]*) COMPREPLY=($(compgen -W '--start --solution --check --run' -- "$cur")) ;;
    --check | --run) _filedir ;;
    esac
}

_memql()
{
    local cur prev words cword memql script= command=
    _get_comp_words_by_ref -n : cur prev words cword
    memql=${words[0]}
    _memql_script
    [[ $script != lesson ]] || { _memql_lesson && return; }
    [[ $command$script != explain: ]] || ! _memql_explain || return
    if [[ -n $script && $cur == -* ]]; then
        COMPREPLY=($(compgen -W "$("$memql" "$script" --help 2>/dev/null |
            sed -n 's/^  \(--[[:alnum:]_-]*=*\).*/\1/p')" -- "$cur"))
        [[ ${COMPREPLY-} != *= ]] || compopt -o nospace
        return
    elif [ -n "$script" ]; then
        _filedir
        return
    fi
    case $prev in
    -e | --expression) _memql_probes; return ;;
    -c | --cmd) COMPREPLY=($(compgen -c -- "$cur")); return ;;
    -p | --pid) _pids; return ;;
    -o | --output) _filedir; return ;;
    -f | --format) COMPREPLY=($(compgen -W 'text json' -- "$cur")); return ;;
    -B | --buffer) COMPREPLY=($(compgen -W 'none line full' -- "$cur")); return ;;
    --max-strlen) return ;;
    --ring-size) return ;;
    --object) _filedir; return ;;
    -d | --dump) COMPREPLY=($(compgen -W 'tokens ast expand plan ir bpf' -- "$cur")); return ;;
    --report) _filedir; return ;;
    esac
    case " ${words[*]:1:cword-1} " in
    *' -l '* | *' -lv '* | *' -vl '* | *' --list '*)
        case $cur in
        -*) ;;
        /* | .*) _filedir && return ;;
        *) _memql_probes && return ;;
        esac ;;
    esac
    case $cur in
    -*) COMPREPLY=($(compgen -W '--expression --cmd --pid --list --verbose --output --format --buffer --quiet --no-warnings --unsafe --max-strlen --ring-size --dry-run --no-cache --object --dump --report --reference --help --version' -- "$cur")) ;;
    *) _filedir mq
        COMPREPLY+=($(compgen -W \
            "$("$memql" --reference=scripts 2>/dev/null)" -- "$cur")) ;;
    esac
}
complete -F _memql memql
