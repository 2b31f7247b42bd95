#include "fetch/identity.h"

#include "base/base64url.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "os/clock.h"
#include "os/log.h"
#include "trust/anchors.h"

enum { FILE_MAX = TRUST_BUNDLE_MAX, LOOK_MS = 10 * 1000 };

/* A file's content as last read. */
struct watched {
	const char *path;
	struct json_buffer text;
	int wrong; /* errno; 0: it was read */
};

struct agent_identity {
	struct agent_identity_settings settings;
	struct watched svid, key, bundle;
	int64_t looked_ms;
	X509 *leaf;
	STACK_OF(X509) *above;
	EVP_PKEY *private_key;
	struct trust_anchors *anchors;
};

static int read_file(const char *path, struct json_buffer *text)
{
	/* O_NONBLOCK: a FIFO in the file's place must not stop us */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), wrong = fd < 0 ? errno : 0;
	ssize_t got = 1;
	while (wrong == 0 && got > 0) {
		json_buffer_reserve(text, 65536);
		got = read(fd, text->at + text->len, text->size - text->len);
		if (got < 0 && errno == EINTR)
			got = 1;
		else if (got < 0)
			wrong = errno;
		else
			text->len += (size_t)got;
		if (text->len > FILE_MAX)
			wrong = EFBIG;
	}
	if (fd >= 0)
		close(fd);
	return wrong;
}

/* True when the content, or whether it can be read, is not what it was. */
static bool look(struct watched *file)
{
	struct json_buffer now = {0};
	int wrong = file->path != NULL ? read_file(file->path, &now) : 0;
	bool same = wrong == file->wrong &&
	            (wrong != 0 || (now.len == file->text.len &&
	                            (now.len == 0 || memcmp(now.at, file->text.at, now.len) == 0)));
	file->wrong = wrong;
	if (same || wrong != 0) {
		if (now.at != NULL)
			explicit_bzero(now.at, now.size);
		json_buffer_free(&now);
		return !same;
	}
	if (file->text.at != NULL)
		explicit_bzero(file->text.at, file->text.size);
	json_buffer_free(&file->text);
	file->text = now;
	return true;
}

/* A key with a passphrase is refused: nobody is there to type it. */
static int no_passphrase(char *buffer, int size, int writing, void *user)
{
	(void)buffer;
	(void)size;
	(void)writing;
	(void)user;
	return -1;
}

static BIO *open_text(const struct watched *file)
{
	return BIO_new_mem_buf(file->text.at != NULL ? file->text.at : "", (int)file->text.len);
}

static const char *why_unreadable(const struct agent_identity *identity)
{
	if (identity->svid.wrong != 0)
		return strerror(identity->svid.wrong);
	return identity->key.wrong != 0 ? strerror(identity->key.wrong) : NULL;
}

static const char *read_pair(struct agent_identity *identity)
{
	const char *why = why_unreadable(identity);
	if (why != NULL)
		return why;
	BIO *in = open_text(&identity->svid), *secret = open_text(&identity->key);
	X509 *leaf = PEM_read_bio_X509(in, NULL, no_passphrase, NULL), *next;
	EVP_PKEY *key = PEM_read_bio_PrivateKey(secret, NULL, no_passphrase, NULL);
	STACK_OF(X509) *above = sk_X509_new_null();
	while (leaf != NULL && (next = PEM_read_bio_X509(in, NULL, no_passphrase, NULL)) != NULL)
		if (sk_X509_push(above, next) <= 0)
			abort();
	if (leaf == NULL)
		why = "it is not a certificate in PEM";
	else if (key == NULL)
		why = "its key is not a private key in PEM, without a passphrase";
	else if (X509_check_private_key(leaf, key) != 1)
		why = "its key is another certificate's";
	BIO_free(in);
	BIO_free(secret);
	ERR_clear_error();
	if (why != NULL) {
		X509_free(leaf);
		EVP_PKEY_free(key);
		sk_X509_pop_free(above, X509_free);
		return why;
	}
	X509_free(identity->leaf);
	EVP_PKEY_free(identity->private_key);
	sk_X509_pop_free(identity->above, X509_free);
	identity->leaf = leaf;
	identity->private_key = key;
	identity->above = above;
	return NULL;
}

static bool refresh_pair(struct agent_identity *identity)
{
	bool changed = look(&identity->svid);
	changed = look(&identity->key) || changed;
	const char *why = changed ? read_pair(identity) : NULL;
	if (why != NULL)
		log_warning("the SVID in %s is unusable: %s%s", identity->settings.svid, why,
		            identity->leaf != NULL ? "; the last good one stays" : "");
	return identity->leaf != NULL;
}

static bool refresh_bundle(struct agent_identity *identity)
{
	char reason[TRUST_BUNDLE_REASON_SIZE];
	struct watched *file = &identity->bundle;
	if (!look(file))
		return identity->anchors != NULL;
	bool gone = file->wrong == ENOENT || file->wrong == ENOTDIR;
	struct trust_anchors *anchors = NULL;
	if (file->wrong != 0)
		snprintf(reason, sizeof reason, "%s", strerror(file->wrong));
	else
		anchors = trust_anchors_read(json_buffer_text(&file->text),
		                             identity->settings.trust_domain, reason);
	if (anchors != NULL && trust_anchors_count(anchors) == 0) {
		gone = true;
		if (reason[0] == '\0')
			snprintf(reason, sizeof reason, "it holds no CA");
		trust_anchors_free(anchors);
		anchors = NULL;
	}
	if (anchors != NULL || gone) {
		trust_anchors_free(identity->anchors);
		identity->anchors = anchors;
	}
	if (anchors == NULL)
		log_warning("the trust bundle of %s in %s is unusable: %s%s",
		            identity->settings.trust_domain, file->path, reason,
		            identity->anchors != NULL ? "; the last good one stays"
		                                      : ": no agent is trusted");
	return identity->anchors != NULL;
}

struct agent_identity *agent_identity_new(const struct agent_identity_settings *settings)
{
	struct agent_identity *identity = calloc(1, sizeof *identity);
	if (identity == NULL)
		abort();
	identity->settings = *settings;
	identity->svid.path = settings->svid;
	identity->key.path = settings->key;
	identity->bundle.path = settings->bundle;
	identity->looked_ms = clock_monotonic_ms();
	bool good = settings->svid == NULL || refresh_pair(identity);
	if (refresh_bundle(identity) && good)
		return identity;
	agent_identity_free(identity);
	return NULL;
}

static void forget(struct watched *file)
{
	if (file->text.at != NULL)
		explicit_bzero(file->text.at, file->text.size);
	json_buffer_free(&file->text);
}

void agent_identity_free(struct agent_identity *identity)
{
	if (identity == NULL)
		return;
	forget(&identity->svid);
	forget(&identity->key);
	forget(&identity->bundle);
	X509_free(identity->leaf);
	sk_X509_pop_free(identity->above, X509_free);
	EVP_PKEY_free(identity->private_key);
	trust_anchors_free(identity->anchors);
	free(identity);
}

const char *agent_identity_domain(const struct agent_identity *identity)
{
	return identity->settings.trust_domain;
}

void agent_identity_refresh(struct agent_identity *identity, int64_t now_ms)
{
	if (now_ms - identity->looked_ms < LOOK_MS)
		return;
	identity->looked_ms = now_ms;
	if (identity->settings.svid != NULL)
		refresh_pair(identity);
	refresh_bundle(identity);
}

static void keep_chain(struct json_buffer *out, const struct der certificates[], int count)
{
	out->len = 0;
	json_putc(out, '[');
	for (int i = 0; i < count; i++) {
		json_puts(out, i == 0 ? "\"" : ",\"");
		trust_base64_put(out, certificates[i].p, certificates[i].len);
		json_putc(out, '"');
	}
	json_putc(out, ']');
}

static bool check_certificates(struct agent_expected *expected, const STACK_OF(X509) *sent)
{
	const struct trust_peer peer = {expected->identity->anchors,
	                                expected->identity->settings.trust_domain, expected->path};
	struct der certificates[TRUST_CHAIN_MAX];
	unsigned char *bytes[TRUST_CHAIN_MAX] = {0};
	int count = sk_X509_num(sent), coded = 0;
	for (; coded < count && coded < (int)TRUST_CHAIN_MAX; coded++) {
		int len = i2d_X509(sk_X509_value(sent, coded), &bytes[coded]);
		certificates[coded] = (struct der){bytes[coded], len > 0 ? (size_t)len : 0};
	}
	bool good = trust_peer_check(&peer, certificates, count < 0 ? 0 : (size_t)count,
	                             clock_now(), &expected->failure);
	if (good)
		keep_chain(&expected->chain, certificates, coded);
	for (int i = 0; i < coded; i++)
		OPENSSL_free(bytes[i]);
	return good;
}

/* In the place of OpenSSL's own verification (SSL_CTX_set_cert_verify_callback(3)). */
static int verify(X509_STORE_CTX *store, void *user)
{
	struct agent_expected *expected = user;
	bool good = check_certificates(expected, X509_STORE_CTX_get0_untrusted(store));
	X509_STORE_CTX_set_error(store, good ? X509_V_OK : X509_V_ERR_APPLICATION_VERIFICATION);
	return good ? 1 : 0;
}

bool agent_identity_apply(SSL_CTX *context, struct agent_expected *expected)
{
	const struct agent_identity *identity = expected->identity;
	expected->failure.message[0] = '\0';
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(context, verify, expected);
	if (identity->leaf == NULL)
		return true;
	bool good = SSL_CTX_use_certificate(context, identity->leaf) == 1 &&
	            SSL_CTX_use_PrivateKey(context, identity->private_key) == 1;
	for (int i = 0; good && i < sk_X509_num(identity->above); i++)
		good = SSL_CTX_add1_chain_cert(context, sk_X509_value(identity->above, i)) == 1;
	return good;
}
