#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# options.sh PROGRAM PAGE: prints the page of the manual, between its two marks the options as --help has
# them. make manual writes the page so; a test compares.
set -eu

options() {
	"$1" --help | awk '
		# One option a line: further lines begin with many blanks.
		/^Also/ { known = "also" }
		/^  -o / { if (line != "") print line; line = known $0; next }
		/^          / && line != "" { sub(/^ +/, ""); line = line " " $0; next }
		{ if (line != "") print line; line = "" }
		END { if (line != "") print line }' | awk '
		function mdoc(text) {
			gsub(/\\/, "\\e", text)
			gsub(/~/, "\\(ti", text)
			gsub(/-/, "\\-", text)
			return text
		}
		function value(option, at) {
			at = index(option, "=")
			return at == 0 ? "" : " Ns = Ns Ar " mdoc(substr(option, at + 1))
		}
		function name(option) {
			sub(/=.*/, "", option)
			return mdoc(option)
		}
		# "also  -o for the kernel: rw fsname=NAME ..."
		/^also/ {
			at = index($0, ": ")
			count = split(substr($0, at + 2), words, " ")
			print ".Pp"
			print "Also, " substr($0, 10, at - 10) ", as in"
			print ".Xr mount 8 :"
			for (i = 1; i <= count; i++)
				print ".Cm " name(words[i]) value(words[i]) (i < count ? " ," : " .")
			next
		}
		{
			text = $0
			sub(/^  -o [^ ]+ +/, "", text)
			fallback = ""
			if (match(text, / \([^()]*\)$/)) {
				fallback = substr(text, RSTART + 2, RLENGTH - 3)
				text = substr(text, 1, RSTART - 1)
			}
			print ".It Cm " name($2) value($2)
			text = toupper(substr(text, 1, 1)) substr(text, 2)
			while (length(text) > 76) {
				for (at = 76; substr(text, at, 1) != " "; at--)
					;
				print mdoc(substr(text, 1, at - 1))
				text = substr(text, at + 1)
			}
			print mdoc(text) "."
			if (fallback != "")
				print "Default:\n.Cm " mdoc(fallback) " ."
		}' | awk '
		# The list ends where the paragraphs of names begin.
		/^\.Pp$/ && !ended { print ".El"; ended = 1 }
		{ print }'
}

awk -v program="$1" '/^\.\\" options: end/ { inside = 0 } !inside { print }
	/^\.\\" options: begin/ { inside = 1; while ((getline line < "/dev/fd/3") > 0) print line }' \
	"$2" 3< <(options "$1")
