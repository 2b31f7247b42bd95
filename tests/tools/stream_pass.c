/* Passes records through: lib/stream as a program, for tests/stream.bats. */
#include "os/exit.h"
#include "os/log.h"
#include "os/options.h"
#include "os/signals.h"
#include "stream/stream.h"

#include <unistd.h>

int main(int argc, char **argv)
{
	struct stream_options options = {.in = STDIN_FILENO, .out = STDOUT_FILENO, .wake = -1};
	bool numbers = false;
	struct option_number level = {1, 0, 9};
	static const char *const words[] = {"red", "green", NULL};
	struct option_choice colour = {words, 0};
	const struct option_spec table[] = {
		{OPTION_FLAG, "numbers", 'n', NULL, "reject lines with a member `reject`", &numbers},
		{OPTION_NUMBER, "level", 0, "N", "a number", &level},
		{OPTION_CHOICE, "colour", 0, "WORD", "a word", &colour},
		OPTIONS_COMMON(&options.rejects),
		{.kind = OPTION_END},
	};
	struct record record;
	enum stream_state state;
	log_open("stream_pass");
	switch (options_parse(argc, argv, "[OPTION]...", "Passes records through.", table, NULL)) {
	case OPTIONS_DONE: return EXIT_OK;
	case OPTIONS_BAD: return EXIT_USAGE;
	case OPTIONS_GO: break;
	}
	signals_catch();
	struct stream *stream = stream_open(&options);
	if (stream == NULL)
		return EXIT_CANNOT;
	while ((state = stream_next(stream, &record)) == STREAM_RECORD) {
		if (json_get(record.json, "reject").at != NULL)
			stream_reject(stream, &record, "it asks to be rejected");
		else
			stream_write(stream, record.line);
	}
	if (state == STREAM_STOP)
		log_notice("stopped");
	return stream_close(stream);
}
