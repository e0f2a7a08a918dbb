#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# commands.sh PROGRAM PAGE: prints cometctl's page of the manual, between its two marks the commands as
# --commands and --help have them. make manual writes the page so; a test compares.
set -eu

# "ID... [DEST]" as mdoc has it.
words() {
	local word
	for word in $1; do
		word=${word/#[/Oo Ar } word=${word/%]/ Oc}
		[[ $word == Oo* ]] || word="Ar $word"
		printf ' %s' "${word/.../ ...}"
	done
}

text() {
	sed -e 's/\\/\\e/g; s/-/\\-/g; s/~/\\(ti/g' | fold -s -w 76 | sed 's/ $//'
}

# options PROGRAM COMMAND: those of the command; of all, where it is empty.
options() {
	local kind of letter name value help begun=
	while IFS=$'\x1f' read -r kind of letter name value help; do
		[ "$kind $of" = "option $2" ] || continue
		[ -n "$begun" ] || echo '.Bl -tag -width Ds'
		begun=1
		printf '.It%s Fl %s%s\n' "${letter:+ Fl ${letter#-} ,}" "$(text <<<"${name#-}")" \
			"${value:+ Ns = Ns Ar $(text <<<"$value")}"
		text <<<"${help^}."
	done < <("$1" --commands | tr '\t' '\037')
	[ -z "$begun" ] || echo .El
}

commands() {
	local kind name args
	while IFS=$'\x1f' read -r kind name args _; do
		[ "$kind" = command ] || continue
		printf '.Ss %s\n.D1 Nm Ic %s Oo Ar option ... Oc%s\n.Pp\n' "$name" "$name" "$(words "$args")"
		# Between the usage and the options.
		"$1" "$name" --help | awk '/^usage:/ { next } /^ / { exit } $0 != "" { print }' |
			sed -E 's/([.]) /\1\n/g' | text
		options "$1" "$name"
	done < <("$1" --commands | tr '\t' '\037')
	printf '.Ss Options of all commands\n'
	options "$1" ''
}

awk '/^\.\\" commands: end/ { inside = 0 } !inside { print }
	/^\.\\" commands: begin/ { inside = 1; while ((getline line < "/dev/fd/3") > 0) print line }' \
	"$2" 3< <(commands "$1")
