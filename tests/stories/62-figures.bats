#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# stats.json and metrics.prom: they count what happens, say what is wrong, and are valid whenever and
# however they are read.
load lib.bash

# figure PATH: a value of stats.json, PATH as jq has it.
figure() {
	jq -r "$1" "$MNT/.cometfs/stats.json"
}

wait_figure() {
	wait_until "[ \"\$(figure '$1')\" = '$2' ]"
}

# metric NAME [LABEL=VALUE]: a value of metrics.prom.
metric() {
	local series="cometfs_$1{mountpoint=\"$MNT\"${2:+,${2%%=*}=\"${2#*=}\"}}"
	awk -v series="$series" '$1 == series { print $2; found = 1 } END { exit !found }' \
		"$MNT/.cometfs/metrics.prom"
}

# above_zero NAME [LABEL=VALUE]: whether it is.
above_zero() {
	awk -v value="$(metric "$@")" 'BEGIN { exit !(value > 0) }'
}

# Both documents are what they promise to be.
figures_are_valid() {
	python3 tests/stories/metrics.py "$MNT/.cometfs/metrics.prom"
	if command -v promtool; then
		promtool check metrics <"$MNT/.cometfs/metrics.prom"
	fi
	diff <(jq -c '[paths]' "$MNT/.cometfs/stats.json") <(jq -c '[paths]' tests/data/view/stats_fresh.json)
	run ! grep -r "$COMETAPI_KEY" "$MNT"/.cometfs/{stats.json,metrics.prom}
}

@test "whoever checks the metrics finds what is wrong" {
	local good=tests/data/view/busy.prom bad=$BATS_TEST_TMPDIR/bad change count=0
	python3 tests/stories/metrics.py $good tests/data/view/fresh.prom
	while read -r change; do
		count=$((count + 1))
		sed -E "$change" $good >"$bad.$count.prom"
		run ! cmp -s $good "$bad.$count.prom"
	done <<-'CHANGES'
		1d
		2d
		s/^# TYPE cometfs_jobs gauge/# TYPE cometfs_jobs sum/
		s/^# TYPE cometfs_jobs gauge/# TYPE cometfs_jobs counter/
		s/cometfs_polls_total/cometfs_polls/
		s/_duration_seconds/_duration_ms/
		s/cometfs_jobs_failed/cometfs_jobs_count/
		s/le="0.05"/le="0.5"/
		s/(le="0.05".*) 6$/\1 60/
		/le="\+Inf"/d
		/poll_duration_seconds_sum/d
		s/(poll_duration_seconds_count.*) 91$/\1 90/
		s/state="ready"/state="lost"/
		s/state="ready"/mountpoint="ready"/
		s/state="ready"/state="re"ady"/
		s/mountpoint="[^"]*",?//
		s/ 123456789012$/ NaN/
		s/ 123456789012$/ 12 1773297000/
		s/ 123456789012$//
		$s/^/\n/
		s/cometfs_letters\{/cometfs_latters{/
	CHANGES
	head -c -1 $good >"$bad.end.prom"
	run ! python3 tests/stories/metrics.py "$bad".*.prom
	echo "$output"
	[ "${#lines[@]}" = $((count + 1)) ]
}

@test "nobody was asked yet: all is there, and nothing is wrong" {
	start_cometfs poll_rate=7.5,downloads=3,store_max=1G
	figures_are_valid
	[ "$(figure .mountpoint)" = "$MNT" ]
	[ "$(figure .version)" = "$("$COMETFS" -V | awk 'NR == 1 { print $2 }')" ]
	[ "$(figure .provider.state)/$(figure .key.state)/$(figure .catalog.state)" = unknown/unknown/ok ]
	[ "$(figure .polls.rate_limit)/$(figure .downloads.limit)/$(figure .store.max)" = 7.5/3/1073741824 ]
	[ "$(metric store_max_bytes)" = 1073741824 ]
	[ "$(figure .store.size)" = $(($(stat -f -c '%b * %S' "$STORE"))) ]
	run ! above_zero trouble_seconds kind=provider
	[ "$(ls "$MNT/.cometfs")" = "$(printf '%s\n' events metrics.prom stats.json)" ]
}

@test "polls, downloads and what becomes of them are counted" {
	start_answers queued 'running progress=42' 'done'
	start_cometfs
	track $ID $ID2 $ID3
	wait_figure .videos.ready 3
	figures_are_valid
	[ "$(figure .jobs.done)" = 3 ]
	[ "$(figure .polls.outcomes.answered)" = 9 ]
	[ "$(figure '.polls.took_s.buckets["+Inf"]')" = 9 ]
	[ "$(metric polls_total outcome=answered)" = 9 ]
	[ "$(metric poll_duration_seconds_count)" = 9 ]
	[ "$(figure .polls.last_minute)" = 9 ]
	[ "$(figure '.polls | .planned, .planned_urgent, .in_flight' | tr '\n' ' ')" = '0 0 0 ' ]
	[ "$(figure .downloads.outcomes.ready)" = 3 ]
	[ "$(figure '.downloads.took_s.buckets["+Inf"]')" = 3 ]
	[ "$(metric download_requests_total outcome=whole)" = 3 ]
	local size
	size=$(stat -c %s tests/provider/clip.mp4)
	[ "$(figure .downloads.bytes)" = $((3 * size)) ]
	[ "$(figure .store.video_bytes)" = $((3 * size)) ]
	[ "$(figure .provider.state)/$(figure .key.state)" = ok/accepted ]
	[ "$(figure .provider.accepted_at)" != null ]
	above_zero provider_accepted_timestamp_seconds

	rm "$MNT/jobs/$ID/video.mp4"
	rmdir "$MNT/jobs/$ID2"
	[ "$(figure .jobs.done)" = 2 ]
	[ "$(figure .videos.ready)/$(figure .videos.removed)" = 1/1 ]
	[ "$(metric video_bytes state=ready)" = $size ]
	wait_figure .store.taken $size
	[ "$(figure .downloads.outcomes.cancelled)" = 0 ]

	# The next life counts from the beginning, but for what is there.
	stop_cometfs
	start_cometfs
	[ "$(figure .polls.outcomes.answered)" = 0 ]
	[ "$(figure .jobs.done)/$(figure .videos.ready)/$(figure .videos.removed)" = 2/1/1 ]
	[ "$(figure .store.video_bytes)" = $size ]

	# What has to be fetched again is a download, but how old its job is says nothing of how long it took.
	stop_cometfs
	expect_log 'has to be fetched again'
	rm "$STORE"/videos/*.mp4
	start_cometfs
	wait_figure .videos.ready 1
	[ "$(figure .downloads.outcomes.ready)" = 1 ]
	[ "$(figure '.downloads.took_s.buckets["+Inf"]')" = 0 ]
}

@test "answers that are of no use are counted by their kind" {
	expect_log 'failed:|expired'
	start_provider - <<-'SCRIPT'
		job fails
			answer failed
		job expires
			answer expired
		job strange
			unknown
		job cut
			answer running cut=20
		job page
			answer 502 text='<html>' type=text/html
		job none
			answer drop
		job *
			answer running
	SCRIPT
	start_cometfs
	track fails expires strange cut page none fine
	wait_figure .jobs.failed 1
	wait_figure .jobs.expired 1
	wait_until '[ "$(figure ".polls.outcomes.broken")" -ge 2 ]' # two jobs
	wait_until '[ "$(figure ".polls.outcomes.not_found")" -ge 1 ]'
	wait_until '[ "$(figure ".polls.outcomes | .unreadable + .busy")" -ge 1 ]'
	wait_status fine .state running
	[ "$(figure '[.jobs_failed[]] | add')" = 1 ]
	[ "$(metric jobs state=failed)" = 1 ]
	[ "$(figure .provider.state)" = ok ]
	[ "$(figure .provider.last_failure_at)" != null ]
	wait_figure .jobs_unanswered 4
	figures_are_valid
}

@test "a refused key is trouble until another is accepted" {
	expect_log 'the key is refused'
	start_provider - --key right-key <<-'SCRIPT'
		job *
			answer queued
	SCRIPT
	echo wrong-key >"$BATS_TEST_TMPDIR/key"
	start_cometfs key_file="$BATS_TEST_TMPDIR/key"
	track $ID $ID2
	wait_figure .key.state refused
	[ "$(figure .provider.last_failure)" = auth ]
	[ "$(figure .provider.state)" = unknown ]
	above_zero trouble_seconds kind=key
	above_zero polls_held_seconds
	[ "$(metric polls_total outcome=auth)" -ge 1 ]
	figures_are_valid
	run ! grep -E 'wrong-key|right-key' "$MNT"/.cometfs/{stats.json,metrics.prom}
	echo right-key >"$BATS_TEST_TMPDIR/key"
	kill -HUP $DAEMON
	wait_figure .key.state accepted
	wait_figure .provider.state ok
	[ "$(metric trouble_seconds kind=key)" = 0.000 ]
	wait_figure '.polls.held_s == 0' true
}

@test "a provider that does not answer is trouble until it does" {
	expect_log 'polls fail'
	start_provider - <<-'SCRIPT'
		job *
			answer queued drop until=back
			answer queued
	SCRIPT
	start_cometfs
	track $ID $ID2 $ID3 four five six
	wait_figure .provider.state failing
	[ "$(figure .provider.failures)" -ge 5 ]
	[ "$(figure .provider.last_failure)" = broken ]
	[ "$(figure .provider.failing_since)" != null ]
	wait_figure .jobs_unanswered 6
	above_zero trouble_seconds kind=provider
	figures_are_valid
	event back
	wait_figure .provider.state ok
	[ "$(metric trouble_seconds kind=provider)" = 0.000 ]
	[ "$(metric provider_failures)" = 0 ]
}

@test "a network that is dead, and many jobs" {
	expect_log 'polls fail'
	start_cometfs poll_rate=50
	(cd "$MNT/jobs" && seq -f 'crowd-%g' 500 | xargs mkdir)
	wait_until '[ "$(figure ".polls.outcomes.unreachable")" -ge 60 ]'
	[ "$(figure '[.jobs[]] | add')/$(figure .jobs.unknown)" = 500/500 ]
	[ "$(figure '[.videos[]] | add')" = 500 ]
	[ "$(figure '.polls | .planned + .planned_urgent + .in_flight')" -ge 468 ]
	[ "$(figure .polls.last_minute)" -ge 60 ]
	[ "$(figure .provider.state)" = failing ]
	wait_until 'above_zero poll_late_seconds'
	figures_are_valid
}

@test "who waits for bytes is counted, and what becomes of it" {
	start_provider - <<-'SCRIPT'
		job *
			answer done
		video made
			size 2M
			serve stall=64K until=go
	SCRIPT
	start_cometfs
	track $ID
	wait_until '[ -e "$MNT/jobs/$ID/video.mp4" ]'
	local readers=() i
	for i in 1 2 3; do
		tail -c 100 "$MNT/jobs/$ID/video.mp4" >"$BATS_TEST_TMPDIR/tail.$i" 3>&- &
		readers+=($!)
	done
	cat "$MNT/.cometfs/events" >/dev/null 3>&- &
	local listener=$!
	wait_figure .requests.reads_parked 3
	[ "$(metric requests_parked what=read)" = 3 ]
	wait_figure .requests.listeners 1
	kill $listener
	wait_figure .requests.listeners 0
	[ "$(figure .videos.fetching)/$(figure .downloads.active)" = 1/1 ]
	wait_figure .store.part_bytes 65536
	kill "${readers[0]}"
	wait_figure .requests.parked_reads.interrupted 1
	wait_figure .requests.reads_parked 2
	event go
	wait "${readers[1]}" "${readers[2]}"
	[ "$(figure .requests.parked_reads.answered)" -ge 2 ]
	[ "$(figure .requests.reads_parked)" = 0 ]
	wait_figure .videos.ready 1
	figures_are_valid
}

@test "reads that time out, and downloads that are cut and given up" {
	start_provider - <<-'SCRIPT'
		job stalls
			answer done video=stalls
		job breaks
			answer done video=breaks
		video stalls
			size 2M
			serve stall=64K
		video breaks
			size 2M
			serve cut=64K
	SCRIPT
	start_cometfs timeout=1
	track stalls breaks
	wait_until '[ -e "$MNT/jobs/stalls/video.mp4" ]'
	fails_with 'Connection timed out' cat "$MNT/jobs/stalls/video.mp4"
	[ "$(figure .requests.parked_reads.timeout)" -ge 1 ]
	wait_until '[ "$(figure .downloads.requests.cut)" -ge 2 ]'
	wait_until '[ "$(metric videos_waiting error=transport)" -ge 1 ]'
	wait_until '[ "$(figure .downloads.resting)" -ge 1 ]'
	rm "$MNT"/jobs/*/video.mp4
	[ "$(figure .downloads.outcomes.cancelled)" = 2 ]
	wait_until '[ "$(figure ".downloads | .active + .queued + .resting")" = 0 ]'
	figures_are_valid
}

@test "downloads that wait say for what" {
	start_provider - <<-'SCRIPT'
		job denied
			answer done video=denied
		job page
			answer done video=page
		job large
			answer done video=large
		job slow*
			answer done video=slow
		video denied
			size 1M
			serve status=403
		video page
			size 1M
			serve text='<html>' type=text/html
		video large
			size 4M
		video slow
			size 1M
			serve hang
	SCRIPT
	start_cometfs downloads=1,store_max=3M
	track denied page large
	wait_until '[ "$(figure "[.videos_waiting[]] | add")" = 3 ]'
	[ "$(figure '.videos_waiting | .url_expired, .not_a_video, .store_full' | tr '\n' ' ')" = '1 1 1 ' ]
	[ "$(metric download_requests_total outcome=denied)" -ge 1 ]
	[ "$(metric download_requests_total outcome=not_a_video)" -ge 1 ]
	track slow-1 slow-2
	wait_figure .downloads.active 1
	wait_until '[ "$(figure .downloads.queued)" -ge 1 ]'
	[ "$(figure '.downloads | .active + .queued + .resting')" = 5 ]
	figures_are_valid
}

@test "a look-up is counted beside the polls" {
	start_provider - <<-SCRIPT
		job $ID
			answer queued
	SCRIPT
	start_cometfs track=lookup
	ls "$MNT/jobs/$ID" >/dev/null
	run ! ls "$MNT/jobs/$ID2"
	[ "$(figure .lookups.answered)/$(figure .lookups.not_found)" = 1/1 ]
	[ "$(figure .jobs.queued)" = 1 ]
}

@test "a catalog that cannot be written is trouble until it can" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	expect_log 'the catalog cannot be written'
	mkdir "$STORE"
	mount -t tmpfs -o size=3M,mode=700 tmpfs "$STORE"
	local fine=
	if full_catalog; then
		fine=yes
	fi
	[ -z "$DAEMON" ] || stop_cometfs || fine=
	umount "$STORE"
	[ -n "$fine" ]
}

# In a condition, bash does not end at what fails: each step says so.
full_catalog() {
	start_cometfs && ! cat /dev/zero >"$STORE/fill" 2>/dev/null &&
		fails_with "No space left on device" mkdir "$MNT/jobs/$ID" &&
		[ "$(figure .catalog.state)" = not_writable ] && [ "$(figure .catalog.since)" != null ] &&
		above_zero trouble_seconds kind=catalog && [ "$(figure .store.free)" = 0 ] &&
		rm "$STORE/fill" && track $ID && [ "$(figure .catalog.state)" = ok ] &&
		[ "$(metric trouble_seconds kind=catalog)" = 0.000 ] && figures_are_valid
}

@test "looking at the figures makes no request" {
	start_provider - <<-'SCRIPT'
		job *
			answer running
	SCRIPT
	start_cometfs interval=100
	track $ID $ID2
	polls_reach $ID 1
	polls_reach $ID2 1
	wait_figure .polls.outcomes.answered 2
	local i
	for i in {1..20}; do
		cat "$MNT"/.cometfs/{stats.json,metrics.prom} >/dev/null
		stat "$MNT"/.cometfs/* >/dev/null
		ls -la "$MNT/.cometfs" >/dev/null
	done
	[ "$(asked . | wc -l)" = 2 ]
	[ "$(figure .polls.outcomes.answered)" = 2 ]
}

@test "cp, rsync, tar and cat copy them whole while everything changes" {
	start_answers 'running progress=7 times=20' 'running progress=42 times=20' 'done'
	start_cometfs interval=0.05
	(cd "$MNT/jobs" && seq -f 'crowd-%g' 30 | xargs mkdir)
	local to=$BATS_TEST_TMPDIR/copies sizes i
	sizes=$(stat -c %s "$MNT"/.cometfs/{stats.json,metrics.prom})
	mkdir "$to"
	for i in {1..15}; do
		mkdir "$to"/{cat,cp,rsync,tar}.$i
		cat "$MNT/.cometfs/stats.json" >"$to/cat.$i/stats.json"
		cat "$MNT/.cometfs/metrics.prom" >"$to/cat.$i/metrics.prom"
		cp "$MNT"/.cometfs/{stats.json,metrics.prom} "$to/cp.$i"
		rsync --inplace "$MNT"/.cometfs/{stats.json,metrics.prom} "$to/rsync.$i"
		tar -C "$MNT/.cometfs" -cf - stats.json metrics.prom | tar -C "$to/tar.$i" -xf -
		[ "$(stat -c %s "$MNT"/.cometfs/{stats.json,metrics.prom})" = "$sizes" ]
	done
	python3 tests/stories/metrics.py "$to"/*/metrics.prom
	jq -e '.requests.letters >= 0' "$to"/*/stats.json >/dev/null
	[ "$(stat -c %s "$to"/*/*.json "$to"/*/*.prom | sort -n | uniq -c | awk '{ print $1 }' | tr '\n' ' ')" = '60 60 ' ]
	# Things did change meanwhile.
	[ "$(jq .polls.outcomes.answered "$to"/*/stats.json | sort -u | wc -l)" -ge 5 ]
}
