# bash completion of the programs: what --help says, at the moment of asking.

# Sets options: each option's name to its argument's, which is empty for a flag.
_egress_options() { # PROGRAM
	local line
	while IFS= read -r line; do
		[[ $line =~ ^\ {2,6}((-[a-zA-Z]),\ )?(--[a-z-]+)(\ ([^ ]+))? ]] || continue
		options[${BASH_REMATCH[3]}]=${BASH_REMATCH[5]}
		[ -z "${BASH_REMATCH[2]}" ] || options[${BASH_REMATCH[2]}]=${BASH_REMATCH[5]}
	# choices that do not fit go on below a line that ends in a bar
	done < <("$1" --help 2>/dev/null </dev/null | sed -e ':join' -e '/|$/{N;s/\n *//;b join' -e '}')
}

_egress() {
	local -A options=()
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} i words=()
	_egress_options "$1"
	# readline takes --name=VALUE as three words
	if [ "$word" = = ]; then
		word=
	elif [[ $before == = && $COMP_CWORD -gt 1 ]]; then
		before=${COMP_WORDS[COMP_CWORD - 2]}
	fi
	COMPREPLY=()
	case ${options[$before]:-} in
	*FILE) words=(-f) ;;
	DIR) words=(-d) ;;
	*'|'*) words=(-W "$(grep -oE '(^|\|)[a-z0-9][a-z0-9.-]*' <<<"${options[$before]}" | tr -d '|' | tr '\n' ' ')") ;;
	?*) return ;;
	esac
	if [ ${#words[@]} -gt 0 ]; then
		mapfile -t COMPREPLY < <(compgen "${words[@]}" -- "$word")
		[[ ${words[0]} == -W ]] || compopt -o filenames 2>/dev/null
		return
	fi
	for i in "${!options[@]}"; do
		[[ $i != "$word"* ]] || COMPREPLY+=("$i")
	done
	[[ $1 != *egress-@(sign|flows|propose) || $word == -* ]] || mapfile -t COMPREPLY < <(compgen -f -- "$word")
}

complete -F _egress egress-{apply,explain,fetch,flows,propose,resolve,sign,translate,verify,watch}
