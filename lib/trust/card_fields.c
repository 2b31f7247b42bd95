#include "trust/card_fields_private.h"

#include <stddef.h>

#define R TRUST_FIELD_REQUIRED
#define O TRUST_FIELD_OPTIONAL
#define D TRUST_FIELD_DEFAULTED

#define FIELD(name, other, kind, shape, label, ...) \
	{name, other, TRUST_FIELD_##kind, TRUST_FIELD_##shape, label, __VA_ARGS__}
#define STRING(label, name, other)  FIELD(name, other, STRING, ONE, label, false, NULL, NULL)
#define STRINGS(label, name, other) FIELD(name, other, STRING, LIST, label, false, NULL, NULL)
#define WORDS(label, name, other)   FIELD(name, other, STRING, MAP, label, false, NULL, NULL)
#define BOOL(label, name, other)    FIELD(name, other, BOOL, ONE, label, false, NULL, NULL)
#define STRUCT(label, name)         FIELD(name, NULL, STRUCT, ONE, label, false, NULL, NULL)
#define ANY(label, name)            FIELD(name, NULL, ANY, ONE, label, false, NULL, NULL)
#define OMITTED(name)               FIELD(name, NULL, OMITTED, ONE, D, false, NULL, NULL)
#define MESSAGE(label, name, other, message) \
	FIELD(name, other, MESSAGE, ONE, label, false, &(message), NULL)
#define MESSAGES(label, name, other, message) \
	FIELD(name, other, MESSAGE, LIST, label, false, &(message), NULL)
#define MAP(label, name, other, message) \
	FIELD(name, other, MESSAGE, MAP, label, false, &(message), NULL)
#define ONEOF(name, other, message) FIELD(name, other, MESSAGE, ONE, D, true, &(message), NULL)
#define CONSTANT(name, other, value) FIELD(name, other, STRING, ONE, D, false, NULL, value)

#define DEFINE(message, ...)                                                             \
	static const struct trust_field message##_fields[] = {__VA_ARGS__};                  \
	_Static_assert(sizeof message##_fields / sizeof *message##_fields <= TRUST_FIELDS_MAX, \
	               "TRUST_FIELDS_MAX");
#define OF(message) message##_fields, sizeof message##_fields / sizeof *message##_fields
#define MESSAGE_OF(message, ...)                    \
	DEFINE(message, __VA_ARGS__)                    \
	static const struct trust_message message = {#message, OF(message), NULL};

/* A2A 1.0: a2a.proto of the specification's release 1.0. */

MESSAGE_OF(AgentProvider,
	STRING(R, "organization", NULL),
	STRING(R, "url", NULL))

MESSAGE_OF(AgentExtension,
	STRING(D, "description", NULL),
	STRUCT(D, "params"),
	BOOL(D, "required", NULL),
	STRING(D, "uri", NULL))

MESSAGE_OF(AgentCapabilities,
	BOOL(O, "extendedAgentCard", "extended_agent_card"),
	MESSAGES(D, "extensions", NULL, AgentExtension),
	BOOL(O, "pushNotifications", "push_notifications"),
	BOOL(O, "streaming", NULL))

MESSAGE_OF(AgentInterface,
	STRING(R, "protocolBinding", "protocol_binding"),
	STRING(R, "protocolVersion", "protocol_version"),
	STRING(D, "tenant", NULL),
	STRING(R, "url", NULL))

MESSAGE_OF(StringList,
	STRINGS(D, "list", NULL))

MESSAGE_OF(SecurityRequirement,
	MAP(D, "schemes", NULL, StringList))

MESSAGE_OF(AgentSkill,
	STRING(R, "description", NULL),
	STRINGS(D, "examples", NULL),
	STRING(R, "id", NULL),
	STRINGS(D, "inputModes", "input_modes"),
	STRING(R, "name", NULL),
	STRINGS(D, "outputModes", "output_modes"),
	MESSAGES(D, "securityRequirements", "security_requirements", SecurityRequirement),
	STRINGS(R, "tags", NULL))

MESSAGE_OF(APIKeySecurityScheme,
	STRING(D, "description", NULL),
	STRING(R, "location", NULL),
	STRING(R, "name", NULL))

MESSAGE_OF(HTTPAuthSecurityScheme,
	STRING(D, "bearerFormat", "bearer_format"),
	STRING(D, "description", NULL),
	STRING(R, "scheme", NULL))

MESSAGE_OF(OpenIdConnectSecurityScheme,
	STRING(D, "description", NULL),
	STRING(R, "openIdConnectUrl", "open_id_connect_url"))

MESSAGE_OF(MutualTlsSecurityScheme,
	STRING(D, "description", NULL))

MESSAGE_OF(AuthorizationCodeOAuthFlow,
	STRING(R, "authorizationUrl", "authorization_url"),
	BOOL(D, "pkceRequired", "pkce_required"),
	STRING(D, "refreshUrl", "refresh_url"),
	WORDS(R, "scopes", NULL),
	STRING(R, "tokenUrl", "token_url"))

MESSAGE_OF(ClientCredentialsOAuthFlow,
	STRING(D, "refreshUrl", "refresh_url"),
	WORDS(R, "scopes", NULL),
	STRING(R, "tokenUrl", "token_url"))

MESSAGE_OF(DeviceCodeOAuthFlow,
	STRING(R, "deviceAuthorizationUrl", "device_authorization_url"),
	STRING(D, "refreshUrl", "refresh_url"),
	WORDS(R, "scopes", NULL),
	STRING(R, "tokenUrl", "token_url"))

MESSAGE_OF(ImplicitOAuthFlow,
	STRING(D, "authorizationUrl", "authorization_url"),
	STRING(D, "refreshUrl", "refresh_url"),
	WORDS(D, "scopes", NULL))

MESSAGE_OF(PasswordOAuthFlow,
	STRING(D, "refreshUrl", "refresh_url"),
	WORDS(D, "scopes", NULL),
	STRING(D, "tokenUrl", "token_url"))

MESSAGE_OF(OAuthFlows,
	ONEOF("authorizationCode", "authorization_code", AuthorizationCodeOAuthFlow),
	ONEOF("clientCredentials", "client_credentials", ClientCredentialsOAuthFlow),
	ONEOF("deviceCode", "device_code", DeviceCodeOAuthFlow),
	ONEOF("implicit", NULL, ImplicitOAuthFlow),
	ONEOF("password", NULL, PasswordOAuthFlow))

MESSAGE_OF(OAuth2SecurityScheme,
	STRING(D, "description", NULL),
	MESSAGE(R, "flows", NULL, OAuthFlows),
	STRING(D, "oauth2MetadataUrl", "oauth2_metadata_url"))

MESSAGE_OF(SecurityScheme,
	ONEOF("apiKeySecurityScheme", "api_key_security_scheme", APIKeySecurityScheme),
	ONEOF("httpAuthSecurityScheme", "http_auth_security_scheme", HTTPAuthSecurityScheme),
	ONEOF("mtlsSecurityScheme", "mtls_security_scheme", MutualTlsSecurityScheme),
	ONEOF("oauth2SecurityScheme", "oauth2_security_scheme", OAuth2SecurityScheme),
	ONEOF("openIdConnectSecurityScheme", "open_id_connect_security_scheme",
	      OpenIdConnectSecurityScheme))

DEFINE(AgentCard,
	MESSAGE(R, "capabilities", NULL, AgentCapabilities),
	STRINGS(R, "defaultInputModes", "default_input_modes"),
	STRINGS(R, "defaultOutputModes", "default_output_modes"),
	STRING(R, "description", NULL),
	STRING(O, "documentationUrl", "documentation_url"),
	STRING(O, "iconUrl", "icon_url"),
	STRING(R, "name", NULL),
	MESSAGE(D, "provider", NULL, AgentProvider),
	MESSAGES(D, "securityRequirements", "security_requirements", SecurityRequirement),
	MAP(D, "securitySchemes", "security_schemes", SecurityScheme),
	OMITTED("signatures"),
	MESSAGES(R, "skills", NULL, AgentSkill),
	MESSAGES(R, "supportedInterfaces", "supported_interfaces", AgentInterface),
	STRING(R, "version", NULL))
const struct trust_message trust_card_a2a = {"AgentCard", OF(AgentCard), NULL};

/* The operator's struct; its booleans are pointers, so that false is told from unset. */

MESSAGE_OF(OperatorProvider,
	STRING(D, "organization", NULL),
	STRING(D, "url", NULL))

MESSAGE_OF(OperatorExtension,
	STRING(D, "description", NULL),
	STRUCT(D, "params"),
	BOOL(O, "required", NULL),
	STRING(D, "uri", NULL))

MESSAGE_OF(OperatorCapabilities,
	MESSAGES(D, "extensions", NULL, OperatorExtension),
	BOOL(O, "pushNotifications", NULL),
	BOOL(O, "streaming", NULL))

MESSAGE_OF(OperatorParameter,
	STRING(D, "default", NULL),
	STRING(D, "description", NULL),
	STRING(D, "name", NULL),
	BOOL(O, "required", NULL),
	STRING(D, "type", NULL))

MESSAGE_OF(OperatorSkill,
	STRING(D, "description", NULL),
	STRINGS(D, "examples", NULL),
	STRING(D, "id", NULL),
	STRINGS(D, "inputModes", NULL),
	STRING(D, "name", NULL),
	STRINGS(D, "outputModes", NULL),
	MESSAGES(D, "parameters", NULL, OperatorParameter),
	STRINGS(D, "tags", NULL))

DEFINE(OperatorCard,
	MESSAGE(D, "capabilities", NULL, OperatorCapabilities),
	STRINGS(D, "defaultInputModes", NULL),
	STRINGS(D, "defaultOutputModes", NULL),
	STRING(D, "description", NULL),
	STRING(D, "documentationUrl", NULL),
	STRING(D, "iconUrl", NULL),
	STRING(D, "name", NULL),
	MESSAGE(D, "provider", NULL, OperatorProvider),
	OMITTED("signatures"),
	MESSAGES(D, "skills", NULL, OperatorSkill),
	BOOL(O, "supportsAuthenticatedExtendedCard", NULL),
	STRING(D, "url", NULL),
	STRING(D, "version", NULL))
const struct trust_message trust_card_operator = {"AgentCardData", OF(OperatorCard), NULL};

/* A2A 0.3: what is not required may be null; a member that has its default value is not set. */

MESSAGE_OF(Interface03,
	STRING(D, "transport", NULL),
	STRING(D, "url", NULL))

MESSAGE_OF(Extension03,
	STRING(D, "description", NULL),
	STRUCT(D, "params"),
	BOOL(O, "required", NULL),
	STRING(D, "uri", NULL))

MESSAGE_OF(Capabilities03,
	MESSAGES(D, "extensions", NULL, Extension03),
	BOOL(O, "pushNotifications", "push_notifications"),
	BOOL(O, "stateTransitionHistory", "state_transition_history"),
	BOOL(O, "streaming", NULL))

MESSAGE_OF(Skill03,
	STRING(D, "description", NULL),
	STRINGS(D, "examples", NULL),
	STRING(D, "id", NULL),
	STRINGS(D, "inputModes", "input_modes"),
	STRING(D, "name", NULL),
	STRINGS(D, "outputModes", "output_modes"),
	ANY(D, "security"),
	STRINGS(D, "tags", NULL))

MESSAGE_OF(Flow03,
	STRING(D, "authorizationUrl", "authorization_url"),
	STRING(D, "refreshUrl", "refresh_url"),
	WORDS(D, "scopes", NULL),
	STRING(D, "tokenUrl", "token_url"))

MESSAGE_OF(TokenFlow03,
	STRING(D, "refreshUrl", "refresh_url"),
	WORDS(D, "scopes", NULL),
	STRING(D, "tokenUrl", "token_url"))

MESSAGE_OF(ImplicitFlow03,
	STRING(D, "authorizationUrl", "authorization_url"),
	STRING(D, "refreshUrl", "refresh_url"),
	WORDS(D, "scopes", NULL))

MESSAGE_OF(Flows03,
	MESSAGE(D, "authorizationCode", "authorization_code", Flow03),
	MESSAGE(D, "clientCredentials", "client_credentials", TokenFlow03),
	MESSAGE(D, "implicit", NULL, ImplicitFlow03),
	MESSAGE(D, "password", NULL, TokenFlow03))

MESSAGE_OF(apiKey,
	STRING(D, "description", NULL),
	STRING(D, "in", "in_"),
	STRING(D, "name", NULL),
	CONSTANT("type", NULL, "apiKey"))

MESSAGE_OF(http,
	STRING(D, "bearerFormat", "bearer_format"),
	STRING(D, "description", NULL),
	STRING(D, "scheme", NULL),
	CONSTANT("type", NULL, "http"))

MESSAGE_OF(mutualTLS,
	STRING(D, "description", NULL),
	CONSTANT("type", NULL, "mutualTLS"))

MESSAGE_OF(oauth2,
	STRING(D, "description", NULL),
	MESSAGE(D, "flows", NULL, Flows03),
	STRING(D, "oauth2MetadataUrl", "oauth2_metadata_url"),
	CONSTANT("type", NULL, "oauth2"))

MESSAGE_OF(openIdConnect,
	STRING(D, "description", NULL),
	STRING(D, "openIdConnectUrl", "open_id_connect_url"),
	CONSTANT("type", NULL, "openIdConnect"))

static const struct trust_message *const schemes_03[] = {&apiKey, &http, &mutualTLS, &oauth2,
                                                         &openIdConnect, NULL};
static const struct trust_message SecurityScheme03 = {"SecurityScheme", NULL, 0, schemes_03};

DEFINE(AgentCard03,
	MESSAGES(D, "additionalInterfaces", "additional_interfaces", Interface03),
	MESSAGE(D, "capabilities", NULL, Capabilities03),
	STRINGS(D, "defaultInputModes", "default_input_modes"),
	STRINGS(D, "defaultOutputModes", "default_output_modes"),
	STRING(D, "description", NULL),
	STRING(D, "documentationUrl", "documentation_url"),
	STRING(D, "iconUrl", "icon_url"),
	STRING(D, "name", NULL),
	CONSTANT("preferredTransport", "preferred_transport", "JSONRPC"),
	CONSTANT("protocolVersion", "protocol_version", "0.3.0"),
	MESSAGE(D, "provider", NULL, OperatorProvider),
	ANY(D, "security"),
	MAP(D, "securitySchemes", "security_schemes", SecurityScheme03),
	OMITTED("signatures"),
	MESSAGES(D, "skills", NULL, Skill03),
	BOOL(O, "supportsAuthenticatedExtendedCard", "supports_authenticated_extended_card"),
	STRING(D, "url", NULL),
	STRING(D, "version", NULL))
const struct trust_message trust_card_a2a_03 = {"AgentCard", OF(AgentCard03), NULL};
