# SPDX-License-Identifier: MIT
# fish completes cometfs: its options, those behind -o from its own help, and where to mount.

# The last of option[,option…], behind those before it.
function __cometfs_list
	set -l token (commandline -ct)
	set -l before (string match -r '^.*,' -- (string replace -r '^-o' '' -- $token))
	cometfs --help 2>/dev/null | while read -l line
		set -l found (string match -r '^ *-o ([a-z_]+)(?:=(\S+))? +(.*)$' -- $line); or continue
		set -l values (string split '|' -- $found[3])
		if test (count $found) -lt 4
			printf '%s%s\t%s\n' "$before" $found[2] $found[3]
		else if test (count $values) -gt 1
			for value in $values
				printf '%s%s=%s\t%s\n' "$before" $found[2] $value $found[4]
			end
		else
			printf '%s%s=\t%s\n' "$before" $found[2] $found[4]
		end
	end
end

complete -c cometfs -s o -x -a '(__cometfs_list)' -d 'options'
complete -c cometfs -s f -d 'stay in the foreground'
complete -c cometfs -s d -d 'likewise, and say more'
complete -c cometfs -s h -l help -d 'help'
complete -c cometfs -s V -l version -d 'the version'
complete -c cometfs -l check -d 'read every video of the store'
