/* SPDX-License-Identifier: MIT */
/* The engine's mailbox: what other threads want of it. */
#include "manners.h"
#include "run.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum letter_kind {
	LETTER_TRACK,
	LETTER_LOOKUP,
	LETTER_FORGET,
	LETTER_REMOVE,
	LETTER_WATCH,
	LETTER_DAMAGED,
	LETTER_REKEY,
	LETTER_STOP,
};

struct letter {
	STAILQ_ENTRY(letter) link;
	enum letter_kind kind;
	uint64_t serial, ticket;
	char text[KEY_SIZE]; /* an id, or a key */
};

STAILQ_HEAD(letters, letter);

/* Guards the mailbox alone. */
static pthread_mutex_t mailbox_lock = PTHREAD_MUTEX_INITIALIZER;
static struct letters mailbox = STAILQ_HEAD_INITIALIZER(mailbox);

static void take_watch(uint64_t serial)
{
	struct run *run = run_find(serial);
	if (run != NULL)
		poll_watch(run);
}

static void take_key(const char *key)
{
	memcpy(engine.options.key, key, sizeof(engine.options.key));
	log_info("the key was read again");
	manners_rekeyed();
}

/* False: it was the last one. */
static bool take_letter(const struct letter *letter)
{
	switch (letter->kind) {
	case LETTER_TRACK:
		change_track(letter->text, letter->ticket);
		break;
	case LETTER_LOOKUP:
		change_lookup(letter->text, letter->ticket);
		break;
	case LETTER_FORGET:
		change_forget(letter->serial, letter->ticket);
		break;
	case LETTER_REMOVE:
		change_remove(letter->serial, letter->ticket);
		break;
	case LETTER_WATCH:
		take_watch(letter->serial);
		break;
	case LETTER_DAMAGED:
		start_mend(letter->serial);
		break;
	case LETTER_REKEY:
		take_key(letter->text);
		break;
	case LETTER_STOP:
		return false;
	}
	return true;
}

static struct letter *next_letter(void)
{
	(void)pthread_mutex_lock(&mailbox_lock);
	struct letter *letter = STAILQ_FIRST(&mailbox);
	if (letter != NULL)
		STAILQ_REMOVE_HEAD(&mailbox, link);
	(void)pthread_mutex_unlock(&mailbox_lock);
	figures_add(FIGURE_LETTERS, 0, letter != NULL ? -1 : 0);
	return letter;
}

static void free_letter(struct letter *letter)
{
	explicit_bzero(letter->text, sizeof(letter->text));
	free(letter);
}

bool letters_take(void)
{
	struct letter *letter;
	bool more = true;
	while (more && (letter = next_letter()) != NULL) {
		more = take_letter(letter);
		free_letter(letter);
	}
	return more;
}

static void post(enum letter_kind kind, uint64_t serial, uint64_t ticket, const char *text)
{
	struct letter *letter = calloc(1, sizeof(*letter));
	if (letter == NULL) {
		job_answer(ticket, -ENOMEM);
		return;
	}
	letter->kind = kind;
	letter->serial = serial;
	letter->ticket = ticket;
	(void)snprintf(letter->text, sizeof(letter->text), "%s", text);
	figures_add(FIGURE_LETTERS, 0, 1);
	(void)pthread_mutex_lock(&mailbox_lock);
	STAILQ_INSERT_TAIL(&mailbox, letter, link);
	(void)pthread_mutex_unlock(&mailbox_lock);
	http_wake(engine.http);
}

void engine_track(const char *id, uint64_t ticket)
{
	post(LETTER_TRACK, 0, ticket, id);
}

void engine_lookup(const char *id, uint64_t ticket)
{
	post(LETTER_LOOKUP, 0, ticket, id);
}

void engine_forget(uint64_t serial, uint64_t ticket)
{
	post(LETTER_FORGET, serial, ticket, "");
}

void engine_remove_video(uint64_t serial, uint64_t ticket)
{
	post(LETTER_REMOVE, serial, ticket, "");
}

void engine_watch(uint64_t serial)
{
	post(LETTER_WATCH, serial, 0, "");
}

void engine_damaged(uint64_t serial)
{
	post(LETTER_DAMAGED, serial, 0, "");
}

void engine_reader(void)
{
	http_wake(engine.http);
}

void engine_rekey(const char *key)
{
	post(LETTER_REKEY, 0, 0, key);
}

void letters_stop(void)
{
	post(LETTER_STOP, 0, 0, "");
}

void letters_free(void)
{
	struct letter *letter;
	while ((letter = next_letter()) != NULL)
		free_letter(letter);
}
