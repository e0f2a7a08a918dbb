/* SPDX-License-Identifier: MIT */
/*
 * The way to the provider, as the daemon takes it: without a proxy, over TLS where SOURCE says so. One
 * HEAD request of SOURCE, without a key: how far it came says what is wrong, its Date is a clock.
 */
#include "ctl_doctor.h"

#include "base.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/timex.h>

#define TIMEOUT_MS 10000
#define APART_S 60 /* by so much clocks may differ: times in documents are then as good as wrong */

struct probe {
	CURL *curl;
	CURLcode result;
	char words[CURL_ERROR_SIZE];
	char host[256];
	int64_t date_s; /* what its clock says; 0: it did not */
	int64_t date_ms; /* of ours, then */
	bool tls;
};

static size_t on_header(char *bytes, size_t size, size_t count, void *arg)
{
	struct probe *probe = arg;
	char line[128];
	size_t length = size * count;
	(void)snprintf(line, sizeof(line), "%.*s", (int)(length < 127 ? length : 127), bytes);
	if (strncasecmp(line, "Date:", 5) == 0) {
		time_t when = curl_getdate(line + 5, NULL);
		probe->date_s = when > 0 ? (int64_t)when : 0;
		probe->date_ms = clock_wall_ms();
	}
	return length;
}

static void find_host(struct probe *probe, const char *source)
{
	CURLU *url = curl_url();
	char *host = NULL;
	if (curl_url_set(url, CURLUPART_URL, source, 0) == CURLUE_OK &&
		curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK)
		(void)snprintf(probe->host, sizeof(probe->host), "%s", host);
	curl_free(host);
	curl_url_cleanup(url);
	probe->tls = strncasecmp(source, "https:", 6) == 0;
}

static void ask(struct probe *probe, const char *source, const char *cafile)
{
	CURL *curl = probe->curl;
	(void)curl_easy_setopt(curl, CURLOPT_URL, source);
	(void)curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
	(void)curl_easy_setopt(curl, CURLOPT_PROXY, "");
	(void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	(void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)TIMEOUT_MS);
	(void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, probe->words);
	(void)curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
	(void)curl_easy_setopt(curl, CURLOPT_HEADERDATA, probe);
	(void)curl_easy_setopt(curl, CURLOPT_USERAGENT, "cometctl/" COMETFS_VERSION);
	if (cafile != NULL)
		(void)curl_easy_setopt(curl, CURLOPT_CAINFO, cafile);
	probe->result = curl_easy_perform(curl);
}

static const char *words_of(const struct probe *probe)
{
	return probe->words[0] != '\0' ? probe->words : curl_easy_strerror(probe->result);
}

static int64_t took_ms(const struct probe *probe, CURLINFO what)
{
	curl_off_t us = 0;
	(void)curl_easy_getinfo(probe->curl, what, &us);
	return us / 1000;
}

/* ---- the lines: each says whether the next has anything to say ---------------------------------- */

static bool is_late(const struct probe *probe, CURLINFO step)
{
	curl_off_t us = 0;
	(void)curl_easy_getinfo(probe->curl, step, &us);
	return probe->result == CURLE_OPERATION_TIMEDOUT && us == 0;
}

static bool tell_address(struct doctor *doctor, const struct probe *probe)
{
	const char *address = NULL;
	(void)curl_easy_getinfo(probe->curl, CURLINFO_PRIMARY_IP, &address);
	if (probe->result == CURLE_COULDNT_RESOLVE_HOST ||
		is_late(probe, CURLINFO_NAMELOOKUP_TIME_T)) {
		doctor_tell(doctor, FINDING_BAD, "DNS",
			"%s: %s: look at the network, and at /etc/resolv.conf", probe->host,
			words_of(probe));
		return false;
	}
	doctor_tell(doctor, FINDING_OK, "DNS", "%s is found%s%s", probe->host,
		address != NULL && *address != '\0' ? ", " : "", address != NULL ? address : "");
	if (probe->result != CURLE_COULDNT_CONNECT && !is_late(probe, CURLINFO_CONNECT_TIME_T))
		return true;
	doctor_tell(doctor, FINDING_BAD, "connection",
		"%s: %s: look at the network and its firewall; no proxy is used", probe->host,
		words_of(probe));
	return false;
}

/* Of this machine: nobody listens in between. */
static bool is_here(const struct probe *probe)
{
	const char *address = NULL;
	(void)curl_easy_getinfo(probe->curl, CURLINFO_PRIMARY_IP, &address);
	return address != NULL && (strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0);
}

static bool is_untrusted(CURLcode result)
{
	return result == CURLE_PEER_FAILED_VERIFICATION || result == CURLE_SSL_CACERT_BADFILE ||
	       result == CURLE_SSL_ISSUER_ERROR;
}

static bool tell_tls(struct doctor *doctor, const struct probe *probe)
{
	curl_off_t spoken = 0;
	(void)curl_easy_getinfo(probe->curl, CURLINFO_APPCONNECT_TIME_T, &spoken);
	if (!probe->tls && is_here(probe)) {
		doctor_tell(doctor, FINDING_OK, "TLS",
			"none, and none is needed: it is on this machine");
		return true;
	}
	if (!probe->tls) {
		doctor_tell(doctor, FINDING_NOTE, "TLS", "none: %s shows the key to who listens",
			doctor->source);
		return true;
	}
	if (is_untrusted(probe->result)) {
		doctor_tell(doctor, doctor->daemon_is_content ? FINDING_NOTE : FINDING_BAD, "TLS",
			"%s: %s: is the clock right, is ca-certificates installed? With "
			"certificates of your own: --cafile, as for cometfs -o cafile",
			probe->host, words_of(probe));
		return false;
	}
	if (spoken == 0) {
		doctor_tell(doctor, FINDING_BAD, "TLS",
			"%s: %s: another server, or something in between, answers there",
			probe->host, words_of(probe));
		return false;
	}
	doctor_tell(doctor, FINDING_OK, "TLS", "%s is who it says it is", probe->host);
	return true;
}

static void tell_answer(struct doctor *doctor, const struct probe *probe)
{
	long status = 0;
	(void)curl_easy_getinfo(probe->curl, CURLINFO_RESPONSE_CODE, &status);
	if (status == 0)
		doctor_tell(doctor, FINDING_BAD, "answer",
			"%s: %s: it has a problem of its own, or is no web server: try again later",
			probe->host, words_of(probe));
	else if (status >= 500)
		doctor_tell(doctor, FINDING_NOTE, "answer",
			"HTTP %ld: it has a problem of its own: try again later", status);
	else
		doctor_tell(doctor, FINDING_OK, "answer", "HTTP %ld after %" PRId64 " ms", status,
			took_ms(probe, CURLINFO_STARTTRANSFER_TIME_T));
}

/* The provider's clock is the better one; without it, whether somebody sets ours. */
static void tell_clock(struct doctor *doctor, const struct probe *probe)
{
	int64_t ahead_s = probe->date_ms / 1000 - probe->date_s;
	struct timex timex = { .modes = 0 };
	bool set = adjtimex(&timex) >= 0 && (timex.status & STA_UNSYNC) == 0;
	if (probe->date_s == 0)
		doctor_tell(doctor, set ? FINDING_OK : FINDING_NOTE, "clock", "%s",
			set ? "is set by the network"
			    : "nobody sets it, and there is none to compare it with: "
			      "timedatectl set-ntp true");
	else if (llabs(ahead_s) > APART_S)
		doctor_tell(doctor, FINDING_BAD, "clock",
			"is %lld s %s that of the provider: timedatectl set-ntp true",
			llabs(ahead_s), ahead_s > 0 ? "ahead of" : "behind");
	else
		doctor_tell(doctor, FINDING_OK, "clock", "as the provider's, within %d s", APART_S);
}

void doctor_check_network(struct doctor *doctor)
{
	struct probe probe = { .curl = NULL };
	(void)curl_global_init(CURL_GLOBAL_DEFAULT);
	probe.curl = curl_easy_init();
	if (probe.curl != NULL) {
		find_host(&probe, doctor->source);
		ask(&probe, doctor->source, doctor->ctl->cafile);
		if (tell_address(doctor, &probe) && tell_tls(doctor, &probe))
			tell_answer(doctor, &probe);
		tell_clock(doctor, &probe);
	}
	curl_easy_cleanup(probe.curl);
	curl_global_cleanup();
}
