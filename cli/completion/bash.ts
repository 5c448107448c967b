/**
 * The program that has bash ask `atoll complete`: it needs nothing but bash (3.2 or later), no package of completions
 * beside it, and may be read in twice. Words are handed over as they stand; none of them is carried out.
 */
export const BASH_COMPLETION = `# bash completion for atoll
_atoll() {
    local line=\${COMP_LINE:0:COMP_POINT} words=() i raw gap word
    for ((i = 0; i <= COMP_CWORD; i++)); do
        raw=\${COMP_WORDS[i]}
        gap=\${line%%[![:space:]]*}
        line=\${line#"$gap"}
        if ((i == COMP_CWORD)); then raw=$line; fi
        line=\${line#"$raw"}
        # Bash parts words at : and = too; without a gap it is one word to the program.
        if [[ $i -eq 0 || -n $gap ]]; then words+=("$raw"); else words[\${#words[@]}-1]+=$raw; fi
    done
    # What is offered takes the place of $2 alone: the part behind a sign that parts words, or behind a quote.
    local whole=\${words[\${#words[@]}-1]}
    local before=\${whole%"$2"} quote=
    [[ $before == \\'* ]] && quote=\\'
    COMPREPLY=()
    while IFS= read -r word; do
        [[ $word == :[0-9]* ]] && continue
        word=\${word%%$'\\t'*}
        word=\${word#"$before"}
        COMPREPLY+=("\${word%"$quote"}")
    done < <(atoll complete -- "\${words[@]:1}" 2>/dev/null)
}
complete -o default -F _atoll atoll
`
