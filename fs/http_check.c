/* SPDX-License-Identifier: MIT */
/* What may be asked for: URLs, origins, addresses; and when to ask again. */
#include "http.h"

#include <arpa/inet.h>
#include <assert.h>
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LATEST_S INT64_C(3600)

/* The parts of a URL that is well formed and of http or https. Freed by parts_free(). */
struct parts {
	char *scheme, *user, *host, *port;
};

static void parts_free(struct parts *parts)
{
	curl_free(parts->scheme);
	curl_free(parts->user);
	curl_free(parts->host);
	curl_free(parts->port);
}

static bool parse(const char *url, struct parts *parts)
{
	memset(parts, 0, sizeof(*parts));
	CURLU *handle = curl_url();
	bool good =
		handle != NULL && curl_url_set(handle, CURLUPART_URL, url, 0) == CURLUE_OK &&
		curl_url_get(handle, CURLUPART_SCHEME, &parts->scheme, 0) == CURLUE_OK &&
		curl_url_get(handle, CURLUPART_HOST, &parts->host, 0) == CURLUE_OK &&
		curl_url_get(handle, CURLUPART_PORT, &parts->port, CURLU_DEFAULT_PORT) == CURLUE_OK;
	if (good)
		(void)curl_url_get(handle, CURLUPART_USER, &parts->user, 0);
	curl_url_cleanup(handle);
	good = good && (strcmp(parts->scheme, "https") == 0 || strcmp(parts->scheme, "http") == 0);
	if (!good)
		parts_free(parts);
	return good;
}

int http_origin(const char *url, char *origin, size_t size)
{
	struct parts parts;
	if (!parse(url, &parts))
		return -EINVAL;
	int length = snprintf(origin, size, "%s://%s:%s", parts.scheme, parts.host, parts.port);
	parts_free(&parts);
	if (length < 0 || (size_t)length >= size)
		return -ENAMETOOLONG;
	for (char *c = origin; *c != '\0'; c++)
		*c = (char)(*c >= 'A' && *c <= 'Z' ? *c - 'A' + 'a' : *c);
	return 0;
}

bool http_is_loopback(const char *url)
{
	struct parts parts;
	if (!parse(url, &parts))
		return false;
	struct in_addr four;
	bool loopback =
		strcasecmp(parts.host, "localhost") == 0 || strcmp(parts.host, "[::1]") == 0 ||
		(inet_pton(AF_INET, parts.host, &four) == 1 && ntohl(four.s_addr) >> 24 == 127);
	parts_free(&parts);
	return loopback;
}

/* Ranges that no public server has: RFC 6890 and what came after it. */
static const struct {
	const char *network;
	unsigned bits;
} special_four[] = {
	{ "0.0.0.0", 8 }, { "10.0.0.0", 8 }, { "100.64.0.0", 10 }, /* shared by carriers */
	{ "127.0.0.0", 8 }, { "169.254.0.0", 16 }, /* link-local; the metadata of clouds */
	{ "172.16.0.0", 12 }, { "192.0.0.0", 24 }, { "192.0.2.0", 24 }, { "192.88.99.0", 24 },
	{ "192.168.0.0", 16 }, { "198.18.0.0", 15 }, { "198.51.100.0", 24 }, { "203.0.113.0", 24 },
	{ "224.0.0.0", 3 }, /* multicast, reserved, broadcast */
};

static bool four_is_special(uint32_t address)
{
	for (size_t i = 0; i < sizeof(special_four) / sizeof(special_four[0]); i++) {
		struct in_addr network;
		int parsed = inet_pton(AF_INET, special_four[i].network, &network);
		assert(parsed == 1);
		unsigned shift = 32 - special_four[i].bits;
		if (address >> shift == ntohl(network.s_addr) >> shift)
			return true;
	}
	return false;
}

static uint32_t four_at(const unsigned char *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
	       bytes[3];
}

/* Of IPv6 only 2000::/3 is public, less its special parts; old addresses can hide in it. */
static bool six_is_special(const unsigned char *six)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
	static const unsigned char nat64[12] = { 0x00, 0x64, 0xff, 0x9b };

	if (memcmp(six, mapped, 12) == 0 || memcmp(six, nat64, 12) == 0)
		return four_is_special(four_at(six + 12));
	if (six[0] == 0x20 && six[1] == 0x02) /* 6to4 */
		return four_is_special(four_at(six + 2));
	if (six[0] == 0x20 && six[1] == 0x01 &&
		(six[2] < 0x02 || (six[2] == 0x0d && six[3] == 0xb8)))
		return true; /* 2001::/23 protocols, 2001:db8::/32 documentation */
	if (six[0] == 0x3f && six[1] == 0xff && six[2] < 0x10)
		return true; /* 3fff::/20 documentation: RFC 9637 */
	return (six[0] & 0xe0) != 0x20;
}

enum http_error http_address_check(const struct sockaddr *address)
{
	struct sockaddr_in four;
	struct sockaddr_in6 six;
	bool special = true;

	if (address->sa_family == AF_INET) {
		memcpy(&four, address, sizeof(four));
		special = four_is_special(ntohl(four.sin_addr.s_addr));
	} else if (address->sa_family == AF_INET6) {
		memcpy(&six, address, sizeof(six));
		special = six_is_special(six.sin6_addr.s6_addr);
	}
	return special ? HTTP_REFUSED_ADDRESS : HTTP_OK;
}

/* Of a host that is an address itself. A name is looked at when its socket is opened. */
static enum http_error check_host(const char *host)
{
	struct sockaddr_in four = { .sin_family = AF_INET };
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
	char literal[INET6_ADDRSTRLEN];
	size_t length = strcspn(host, "]%");

	if (inet_pton(AF_INET, host, &four.sin_addr) == 1)
		return http_address_check((const struct sockaddr *)(const void *)&four);
	if (host[0] != '[' || length > sizeof(literal))
		return HTTP_OK;
	(void)snprintf(literal, sizeof(literal), "%.*s", (int)length - 1, host + 1);
	if (inet_pton(AF_INET6, literal, &six.sin6_addr) != 1)
		return HTTP_REFUSED_ADDRESS;
	return http_address_check((const struct sockaddr *)(const void *)&six);
}

enum http_error http_url_check(const char *url, const struct http_limits *limits)
{
	struct parts parts;
	if (!parse(url, &parts))
		return HTTP_REFUSED_URL;
	enum http_error error = HTTP_OK;
	if (parts.user != NULL || (!limits->allow_http && strcmp(parts.scheme, "https") != 0))
		error = HTTP_REFUSED_URL;
	else if (!limits->allow_private)
		error = check_host(parts.host);
	parts_free(&parts);
	return error;
}

int64_t http_retry_after(const char *value, int64_t now_s)
{
	while (*value == ' ' || *value == '\t')
		value++;
	if (*value >= '0' && *value <= '9') {
		char *end;
		errno = 0;
		long long seconds = strtoll(value, &end, 10);
		while (*end == ' ' || *end == '\t')
			end++;
		/* An hour is long enough to come back and look. */
		return *end != '\0'                       ? -1
		       : errno == 0 && seconds < LATEST_S ? seconds * 1000
							  : LATEST_S * 1000;
	}
	time_t date = curl_getdate(value, NULL);
	if (date < 0)
		return -1;
	int64_t seconds = (int64_t)date - now_s;
	return seconds < 0 ? 0 : seconds < LATEST_S ? seconds * 1000 : LATEST_S * 1000;
}
