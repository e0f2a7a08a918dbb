/* SPDX-License-Identifier: MIT */
/* What may be asked for, and what the headers of an answer say. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "../../fs/http_head.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define HOUR_MS INT64_C(3600000)

/* ---- URLs ---------------------------------------------------------------------------------------- */

static void assert_url(const char *url, enum http_error strict, enum http_error with_http)
{
	const struct http_limits https = { .allow_private = true };
	const struct http_limits http = { .allow_private = true, .allow_http = true };
	if (http_url_check(url, &https) != strict || http_url_check(url, &http) != with_http)
		fail_msg("%s", url);
}

static void urls(void **state)
{
	static const char *const refused[] = { "", "/", "h.example", "h.example/v.mp4",
		"//h.example", "https:", "https://", "ftp://h.example", "file:///etc/passwd",
		"file://h.example/etc/passwd", "data:video/mp4;base64,AAAA", "gopher://h.example",
		"javascript:1", "httpsx://h.example", "https://me@h.example",
		"https://me:pw@h.example", "https://:pw@h.example", "https://@h.example",
		"http://me@h.example", "https://h.example:99999", "https://h.example:x",
		"https://h example/", "https://[::1", "https://h.example/\n",
		"https://h.example/a\r\nHost: b" };
	(void)state;
	for (size_t i = 0; i < COUNT(refused); i++)
		assert_url(refused[i], HTTP_REFUSED_URL, HTTP_REFUSED_URL);
	assert_url("https://h.example", HTTP_OK, HTTP_OK);
	assert_url("HTTPS://H.EXAMPLE:8443/v.mp4?a=b@c#d", HTTP_OK, HTTP_OK);
	assert_url("https://[2001:db8::1]/v.mp4", HTTP_OK, HTTP_OK);
	assert_url("https://h.example/me@home", HTTP_OK, HTTP_OK);
	assert_url("http://h.example", HTTP_REFUSED_URL, HTTP_OK);
	assert_url("Http://h.example", HTTP_REFUSED_URL, HTTP_OK);
}

/* A host that is an address is judged before any look-up; a name when its socket is opened. */
static void urls_of_addresses(void **state)
{
	static const char *const special[] = { "https://127.0.0.1/", "https://10.0.0.1:8443/v.mp4",
		"https://169.254.169.254/latest/meta-data", "https://0x7f000001/", "https://127.1/",
		"https://2130706433/", "https://[::1]/", "https://[fe80::1%25eth0]/",
		"https://[::ffff:10.0.0.1]:8443/", "https://[fd12:3456::1]/" };
	static const char *const open[] = { "https://8.8.8.8/", "https://[2606:4700::1111]:8443/",
		"https://localhost/", "https://h.example/", "https://10.0.0.1.example/" };
	const struct http_limits strict = { .allow_private = false };
	const struct http_limits lenient = { .allow_private = true };
	(void)state;
	for (size_t i = 0; i < COUNT(special); i++) {
		if (http_url_check(special[i], &strict) != HTTP_REFUSED_ADDRESS)
			fail_msg("%s", special[i]);
		assert_int_equal(http_url_check(special[i], &lenient), HTTP_OK);
	}
	for (size_t i = 0; i < COUNT(open); i++) {
		if (http_url_check(open[i], &strict) != HTTP_OK)
			fail_msg("%s", open[i]);
	}
	/* The scheme comes first. */
	assert_int_equal(http_url_check("http://10.0.0.1/", &strict), HTTP_REFUSED_URL);
}

static void assert_origin(const char *url, const char *expected)
{
	char origin[128];
	assert_int_equal(http_origin(url, origin, sizeof(origin)), 0);
	assert_string_equal(origin, expected);
}

static void origins(void **state)
{
	char origin[128];
	(void)state;
	assert_origin("https://h.example", "https://h.example:443");
	assert_origin("https://h.example:443/a?b#c", "https://h.example:443");
	assert_origin("HTTPS://H.Example/", "https://h.example:443");
	assert_origin("https://h.example:8443", "https://h.example:8443");
	assert_origin("http://h.example", "http://h.example:80");
	assert_origin("http://h.example:443", "http://h.example:443");
	assert_origin("https://[2001:DB8::1]/", "https://[2001:db8::1]:443");
	assert_origin("https://h.example.@evil.example/", "https://evil.example:443");
	assert_int_equal(http_origin("ftp://h.example", origin, sizeof(origin)), -EINVAL);
	assert_int_equal(http_origin("h.example", origin, sizeof(origin)), -EINVAL);
	assert_int_equal(http_origin("", origin, sizeof(origin)), -EINVAL);
}

static void an_origin_fits_or_not(void **state)
{
	char origin[sizeof("https://h.example:443")];
	(void)state;
	assert_int_equal(http_origin("https://h.example", origin, sizeof(origin)), 0);
	assert_int_equal(
		http_origin("https://h.example", origin, sizeof(origin) - 1), -ENAMETOOLONG);
}

static void loopback(void **state)
{
	static const char *const local[] = { "http://localhost", "https://LOCALHOST:1/v1",
		"http://127.0.0.1", "http://127.255.255.255:8080", "http://[::1]:80/",
		"http://127.1/" };
	static const char *const other[] = { "http://localhost.example", "http://128.0.0.1",
		"http://126.255.255.255", "http://127.0.0.1.example", "http://[::2]",
		"http://10.0.0.1", "http://h.example/localhost", "http://localhost@h.example",
		"localhost", "ftp://localhost", "" };
	(void)state;
	for (size_t i = 0; i < COUNT(local); i++) {
		if (!http_is_loopback(local[i]))
			fail_msg("%s", local[i]);
	}
	for (size_t i = 0; i < COUNT(other); i++) {
		if (http_is_loopback(other[i]))
			fail_msg("%s", other[i]);
	}
}

/* ---- addresses ----------------------------------------------------------------------------------- */

static enum http_error check_address(const char *text)
{
	struct sockaddr_in four = { .sin_family = AF_INET };
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
	const void *address = &four;

	if (inet_pton(AF_INET, text, &four.sin_addr) != 1) {
		assert_int_equal(inet_pton(AF_INET6, text, &six.sin6_addr), 1);
		address = &six;
	}
	return http_address_check(address);
}

static void assert_addresses(const char *const *texts, size_t count, enum http_error expected)
{
	for (size_t i = 0; i < count; i++) {
		if (check_address(texts[i]) != expected)
			fail_msg("%s", texts[i]);
	}
}

/* The first and the last of each range. */
static void special_addresses(void **state)
{
	static const char *const special[] = { "0.0.0.0", "0.255.255.255", "10.0.0.0",
		"10.255.255.255", "100.64.0.0", "100.127.255.255", "127.0.0.0", "127.0.0.1",
		"127.255.255.255", "169.254.0.0", "169.254.169.254", "169.254.255.255",
		"172.16.0.0", "172.31.255.255", "192.0.0.0", "192.0.0.255", "192.0.2.0",
		"192.0.2.255", "192.88.99.0", "192.88.99.255", "192.168.0.0", "192.168.255.255",
		"198.18.0.0", "198.19.255.255", "198.51.100.0", "198.51.100.255", "203.0.113.0",
		"203.0.113.255", "224.0.0.0", "239.255.255.255", "240.0.0.0", "255.255.255.255" };
	(void)state;
	assert_addresses(special, COUNT(special), HTTP_REFUSED_ADDRESS);
}

/* The last before and the first behind each range. */
static void public_addresses(void **state)
{
	static const char *const open[] = { "1.0.0.0", "8.8.8.8", "9.255.255.255", "11.0.0.0",
		"100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0", "169.253.255.255",
		"169.255.0.0", "172.15.255.255", "172.32.0.0", "191.255.255.255", "192.0.1.0",
		"192.0.1.255", "192.0.3.0", "192.88.98.255", "192.88.100.0", "192.167.255.255",
		"192.169.0.0", "198.17.255.255", "198.20.0.0", "198.51.99.255", "198.51.101.0",
		"203.0.112.255", "203.0.114.0", "223.255.255.255" };
	(void)state;
	assert_addresses(open, COUNT(open), HTTP_OK);
}

static void special_addresses_of_six(void **state)
{
	static const char *const special[] = { "::", "::1", "::2", "100::1",
		"1fff:ffff::", "2001::1", "2001:1ff:ffff::", "2001:db8::", "2001:db8:ffff::1",
		"3fff::1", "3fff:fff:ffff::", "4000::", "5f00::1", "fc00::1", "fd12:3456::1",
		"fe80::1", "febf::1", "fec0::1", "ff02::1", "ffff::" };
	(void)state;
	assert_addresses(special, COUNT(special), HTTP_REFUSED_ADDRESS);
}

static void public_addresses_of_six(void **state)
{
	static const char *const open[] = { "2000::", "2001:200::", "2001:4860:4860::8888",
		"2001:db7:ffff::", "2001:db9::", "2003::1", "2606:4700::1111", "2a00:1450::1",
		"3ffe:ffff::", "3fff:1000::" };
	(void)state;
	assert_addresses(open, COUNT(open), HTTP_OK);
}

/* An address of IPv4 in one of IPv6: mapped, compatible (dead for long), NAT64, 6to4. */
static void addresses_within_addresses(void **state)
{
	static const char *const special[] = { "::ffff:127.0.0.1", "::ffff:10.0.0.1",
		"::ffff:169.254.169.254", "::127.0.0.1", "::8.8.8.8", "64:ff9b::127.0.0.1",
		"64:ff9b::192.168.1.1", "64:ff9b:1::8.8.8.8",
		"2002:7f00:1::", "2002:a00:1::", "2002:c0a8:101::1", "::ffff:0:8.8.8.8" };
	static const char *const open[] = { "::ffff:8.8.8.8", "64:ff9b::8.8.8.8",
		"2002:808:808::1" };
	(void)state;
	assert_addresses(special, COUNT(special), HTTP_REFUSED_ADDRESS);
	assert_addresses(open, COUNT(open), HTTP_OK);
}

static void other_families(void **state)
{
	const struct sockaddr local = { .sa_family = AF_UNIX }, none = { .sa_family = AF_UNSPEC };
	(void)state;
	assert_int_equal(http_address_check(&local), HTTP_REFUSED_ADDRESS);
	assert_int_equal(http_address_check(&none), HTTP_REFUSED_ADDRESS);
}

/* ---- Retry-After ------------------------------------------------------------------------------------ */

static void retry_in_seconds(void **state)
{
	(void)state;
	assert_int_equal(http_retry_after("0", 0), 0);
	assert_int_equal(http_retry_after("1", 0), 1000);
	assert_int_equal(http_retry_after(" \t120 \t", 0), 120000);
	assert_int_equal(http_retry_after("3599", 0), 3599000);
	assert_int_equal(http_retry_after("3600", 0), HOUR_MS);
	assert_int_equal(http_retry_after("86400", 0), HOUR_MS);
	assert_int_equal(http_retry_after("99999999999999999999999", 0), HOUR_MS);
}

static void retry_at_a_date(void **state)
{
	static const char date[] = "Sun, 06 Nov 1994 08:49:37 GMT";
	const int64_t then = 784111777;
	(void)state;
	assert_int_equal(http_retry_after(date, then - 30), 30000);
	assert_int_equal(http_retry_after(date, then), 0);
	assert_int_equal(http_retry_after(date, then + 30), 0);
	assert_int_equal(http_retry_after(date, then - 3600), HOUR_MS);
	assert_int_equal(http_retry_after(date, then - 360000), HOUR_MS);
	assert_int_equal(http_retry_after("Sunday, 06-Nov-94 08:49:37 GMT", then - 1), 1000);
	assert_int_equal(http_retry_after("Sun Nov  6 08:49:37 1994", then - 1), 1000);
}

static void retry_at_no_time(void **state)
{
	static const char *const bads[] = { "", " ", "soon", "-1", "-30", "1.5", "1e3", "10s",
		"10 20", "0x10", "Sun, 99 Nov 1994 08:49:37 GMT", "\xff\xfe" };
	(void)state;
	for (size_t i = 0; i < COUNT(bads); i++) {
		int64_t ms = http_retry_after(bads[i], 0);
		if (ms != -1)
			fail_msg("'%s' is %lld ms", bads[i], (long long)ms);
	}
}

/* ---- headers ----------------------------------------------------------------------------------------- */

static struct http_head head_of(const char *text)
{
	struct http_head head;
	char line[1024];
	http_head_begin(&head);
	(void)snprintf(line, sizeof(line), "%s\r\n", text);
	http_head_line(&head, line);
	return head;
}

static void assert_silent(const char *text)
{
	struct http_head head = head_of(text);
	assert_int_equal(head.status, 0);
	assert_int_equal(head.length, -1);
	assert_int_equal(head.range_from, -1);
	assert_int_equal(head.range_total, -1);
	assert_int_equal(head.retry_after_ms, -1);
	assert_false(head.encoded);
	assert_false(head.bounded);
	assert_string_equal(head.type, "");
	assert_string_equal(head.etag, "");
}

static void headers_that_say_nothing(void **state)
{
	(void)state;
	assert_silent("");
	assert_silent("Date: Sun, 06 Nov 1994 08:49:37 GMT");
	assert_silent("Content-Length");
	assert_silent("Content-Length :5");
	assert_silent("X-Content-Length: 5");
	assert_silent("Content-Lengthy: 5");
	assert_silent("Content-Length: five");
	assert_silent("Content-Length: -5");
	assert_silent("Content-Length: 5, 5");
	assert_silent("Content-Length:");
	assert_silent("Content-Length: 9223372036854775808");
	assert_silent("Content-Range: lines 1-2/3");
	assert_silent("Content-Range: bytes");
	assert_silent("Content-Type:");
	assert_silent("Content-Encoding: Identity");
	assert_silent("Retry-After: soon");
	assert_silent("ETag: W/\"weak\"");
	assert_silent("ETag: bare");
}

static void lengths(void **state)
{
	(void)state;
	assert_int_equal(head_of("Content-Length: 0").length, 0);
	assert_int_equal(head_of("content-length:5").length, 5);
	assert_int_equal(head_of("CONTENT-LENGTH:\t 123 \t").length, 123);
	assert_true(head_of("Content-Length: 9223372036854775807").length == INT64_MAX);
}

static void assert_range(const char *text, int64_t from, int64_t total)
{
	struct http_head head = head_of(text);
	assert_int_equal(head.range_from, from);
	assert_int_equal(head.range_total, total);
	assert_int_equal(head.length, -1);
}

static void ranges(void **state)
{
	(void)state;
	assert_range("Content-Range: bytes 100-199/1000", 100, 1000);
	assert_range("content-range: BYTES 0-0/1", 0, 1);
	assert_range("Content-Range: bytes 100-199/*", 100, -1);
	assert_range("Content-Range: bytes */1000", -1, 1000);
	assert_range("Content-Range: bytes 100-199", 100, -1);
	assert_range("Content-Range: bytes x-199/1000", -1, 1000);
	assert_range("Content-Range: bytes 100-199/x", 100, -1);
	assert_range("Content-Range: bytes 100-199/-1", 100, -1);
}

static void types(void **state)
{
	char line[128] = "Content-Type: ";
	(void)state;
	assert_string_equal(head_of("Content-Type: video/mp4").type, "video/mp4");
	assert_string_equal(head_of("content-type: Video/MP4; codecs=\"A\"").type, "video/mp4");
	assert_string_equal(head_of("Content-Type: text/html;charset=utf-8").type, "text/html");
	memset(line + strlen(line), 'a', 100);
	assert_int_equal(strlen(head_of(line).type), sizeof(((struct http_head *)NULL)->type) - 1);
}

static void tags(void **state)
{
	char line[512] = "ETag: \"", tag[300] = "\"";
	(void)state;
	assert_string_equal(head_of("ETag: \"abc\"").etag, "\"abc\"");
	assert_string_equal(head_of("etag: \"\" ").etag, "\"\"");
	/* With quotes and NUL as long as it may be, and one more. */
	memset(tag + 1, 'e', 253);
	(void)snprintf(tag + 254, 3, "\"");
	(void)snprintf(line, sizeof(line), "ETag: %s", tag);
	assert_string_equal(head_of(line).etag, tag);
	(void)snprintf(tag + 254, 3, "e\"");
	(void)snprintf(line, sizeof(line), "ETag: %s", tag);
	assert_string_equal(head_of(line).etag, "");
}

static void the_others(void **state)
{
	(void)state;
	assert_true(head_of("Transfer-Encoding: Chunked").bounded);
	assert_false(head_of("Transfer-Encoding: gzip").bounded);
	assert_int_equal(head_of("Retry-After: 7").retry_after_ms, 7000);
	assert_int_equal(head_of("Retry-After: Sun, 06 Nov 1994 08:49:37 GMT").retry_after_ms, 0);
	assert_true(head_of("Content-Encoding: gzip").encoded);
	assert_true(head_of("content-encoding: br").encoded);
}

/* ---- errors ------------------------------------------------------------------------------------------ */

static void errors_of_curl(void **state)
{
	static const struct {
		CURLcode code;
		enum http_error error;
	} rows[] = {
		{ CURLE_OK, HTTP_OK },
		{ CURLE_COULDNT_RESOLVE_HOST, HTTP_RESOLVE },
		{ CURLE_COULDNT_CONNECT, HTTP_CONNECT },
		{ CURLE_OPERATION_TIMEDOUT, HTTP_TIMEOUT },
		{ CURLE_SSL_CONNECT_ERROR, HTTP_TLS },
		{ CURLE_PEER_FAILED_VERIFICATION, HTTP_TLS },
		{ CURLE_SSL_CACERT_BADFILE, HTTP_TLS },
		{ CURLE_PARTIAL_FILE, HTTP_CUT },
		{ CURLE_RECV_ERROR, HTTP_CUT },
		{ CURLE_GOT_NOTHING, HTTP_CUT },
		{ CURLE_HTTP2, HTTP_CUT },
		{ CURLE_HTTP2_STREAM, HTTP_CUT },
		{ CURLE_UNSUPPORTED_PROTOCOL, HTTP_TRANSPORT }, /* it speaks HTTP/0.9 */
		{ CURLE_OUT_OF_MEMORY, HTTP_TRANSPORT },
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(http_error_of(rows[i].code), rows[i].error);
}

static void reasons(void **state)
{
	(void)state;
	assert_string_equal(http_reason(HTTP_OK, "said"), "");
	assert_string_equal(http_reason(HTTP_CONNECT, "said"), "said");
	assert_string_not_equal(http_reason(HTTP_REFUSED_ADDRESS, "said"), "said");
	for (enum http_error e = HTTP_REFUSED_URL; e <= HTTP_TRANSPORT; e++)
		assert_string_not_equal(http_reason(e, ""), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(urls),
		cmocka_unit_test(urls_of_addresses),
		cmocka_unit_test(origins),
		cmocka_unit_test(an_origin_fits_or_not),
		cmocka_unit_test(loopback),
		cmocka_unit_test(special_addresses),
		cmocka_unit_test(public_addresses),
		cmocka_unit_test(special_addresses_of_six),
		cmocka_unit_test(public_addresses_of_six),
		cmocka_unit_test(addresses_within_addresses),
		cmocka_unit_test(other_families),
		cmocka_unit_test(retry_in_seconds),
		cmocka_unit_test(retry_at_a_date),
		cmocka_unit_test(retry_at_no_time),
		cmocka_unit_test(headers_that_say_nothing),
		cmocka_unit_test(lengths),
		cmocka_unit_test(ranges),
		cmocka_unit_test(types),
		cmocka_unit_test(tags),
		cmocka_unit_test(the_others),
		cmocka_unit_test(errors_of_curl),
		cmocka_unit_test(reasons),
	};
	return cmocka_run_group_tests_name("http_check", tests, NULL, NULL);
}
