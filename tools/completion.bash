# SPDX-License-Identifier: GPL-2.0-or-later
# bash completion for necropy: commands, options, and files as the target.

_necropy()
{
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
    local commands="info types count objects show refs backrefs why graph gc maps shm memory arenas
        malloc export classes bt verify report threads tasks locals print record plot core layout"
    local tool="--exe --debug-dir --debuginfod --layout --sysroot --maps --tmp-dir --max-memory
        --threads --redact --isolate --no-cache --no-progress --help --version"
    local command= word

    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        case " $commands " in
        *" $word "*) command=$word && break ;;
        esac
    done
    if [[ $prev == -* && -n $command ]]; then
        # The values of an option are in its line of the help: "--by count|size|name  ...".
        word=$(necropy "$command" --help 2>/dev/null |
            sed -n "s/^  $prev \([a-z]*|[a-z|]*\)  *.*/\1/p")
        if [[ -n $word ]]; then
            COMPREPLY=($(compgen -W "${word//|/ }" -- "$cur"))
            return
        fi
    fi
    if [[ $cur == -* ]]; then
        word=
        [[ -z $command ]] ||
            word=$(necropy "$command" --help 2>/dev/null | sed -n 's/^  \(--*[a-z-]*\) .*/\1/p')
        COMPREPLY=($(compgen -W "$tool $word" -- "$cur"))
    elif [[ -z $command ]]; then
        COMPREPLY=($(compgen -W "$commands" -- "$cur"))
    else
        COMPREPLY=($(compgen -f -- "$cur"))
    fi
}
complete -o filenames -F _necropy necropy
