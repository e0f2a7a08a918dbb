# SPDX-License-Identifier: MIT
# fish completes cometctl: commands, options and their values from its own table, and the ids of jobs.

# The command that the line has already.
function __cometctl_command
	set -l names (cometctl --commands 2>/dev/null | awk -F '\t' '$1 == "command" { print $2 }')
	for word in (commandline -opc)[2..-1]
		if contains -- $word $names
			echo $word
			return 0
		end
	end
	return 1
end

function __cometctl_is
	contains -- (__cometctl_command) $argv
end

function __cometctl_ids
	set -l words (commandline -opc)
	set -l mount
	for i in (seq (count $words))
		if contains -- $words[$i] -m --mount; and test $i -lt (count $words)
			set mount -m $words[(math $i + 1)]
		end
	end
	cometctl $mount ls -q -s id 2>/dev/null
end

complete -c cometctl -f
complete -c cometctl -n 'not __cometctl_command' -a "(cometctl --commands 2>/dev/null | awk -F '\t' '\$1 == \"command\" { print \$2 \"\t\" \$4 }')"
complete -c cometctl -n '__cometctl_is ls wait get forget events' -a '(__cometctl_ids)'
complete -c cometctl -n '__cometctl_is get' -F

cometctl --commands 2>/dev/null | while read -l -d \t kind of letter name value help
	test "$kind" = option; or continue
	set -l row -c cometctl -l (string sub -s 3 -- $name) -d $help
	test -z "$letter"; or set -a row -s (string sub -s 2 -- $letter)
	test -z "$of"; or set -a row -n "__cometctl_is $of"
	switch $value
		case ''
		case '*|*'
			set -a row -x -a (string replace -a '|' ' ' -- $value)
		case MOUNT PATH
			set -a row -r -F
		case '*'
			set -a row -x
	end
	complete $row
end
