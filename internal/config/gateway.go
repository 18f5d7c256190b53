package config

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/wecomq/wecomq/internal/budget"
	"github.com/wecomq/wecomq/internal/webhook"
	"github.com/wecomq/wecomq/tasks"
)

// Gateway configures the HTTP gateway.
type Gateway struct {
	Listen string // host:port
	// MetricsListen is a second address for metrics and probes, and then the only one for metrics; "" for none.
	MetricsListen string
	PublicURL     PublicURL
	TLS           *TLS // nil for plain HTTP
	// TrustedProxies are the proxies whose X-Forwarded-For is trusted.
	TrustedProxies []netip.Prefix
	Login          *Login // nil: tokens only
	Tokens         []Token
	Webhooks       webhook.Config
}

// Scope is a permission of a token.
type Scope string

// The scopes of a token.
const (
	ScopeSend    Scope = "send"    // enqueue messages, create broadcasts, and recall its own
	ScopeRecall  Scope = "recall"  // recall messages of others, with send
	ScopeRead    Scope = "read"    // read records, broadcasts and apps
	ScopeAdmin   Scope = "admin"   // pause, resume, replay and purge; recall messages of others, with send
	ScopeApprove Scope = "approve" // release the broadcasts of others
)

// Scopes returns all scopes.
func Scopes() []Scope { return []Scope{ScopeSend, ScopeRecall, ScopeRead, ScopeAdmin, ScopeApprove} }

// Token is a bearer token of the gateway, of which only the hash is stored.
type Token struct {
	Name   string   // of its user; unique
	SHA256 [32]byte // of the token; unique
	Apps   []string // apps that it may use; at least one
	Scopes []Scope  // its permissions; at least one
	// Priority of messages through the WeCom-compatible API, unless the request sets another; "" for default.
	Priority tasks.Priority
	Expires  time.Time // when it expires; zero: never
	Limits   budget.Limits
	Notify   Notify // of messages sent with it
}

// KeyOwners are all owners of idempotency keys for messages of an app: the app itself, and the tokens of gateways.
func KeyOwners(tokens []Token, app string) []string {
	owners := []string{""}
	for _, token := range tokens {
		if slices.Contains(token.Apps, app) {
			owners = append(owners, token.Name)
		}
	}
	return owners
}

// Expired reports whether the token has expired.
func (t Token) Expired(now time.Time) bool { return !t.Expires.IsZero() && !now.Before(t.Expires) }

func readGateway(s *section, apps map[string]*App) Gateway {
	gateway := Gateway{Listen: optional(s, "listen", "127.0.0.1:8080", address)}
	names := slices.Sorted(maps.Keys(apps))
	gateway.PublicURL = optional(s, "public_url", "", parsePublicURL)
	gateway.TLS = readTLS(s.section("tls"))
	gateway.MetricsListen = optional(s, "metrics_listen", "", addressOrNone)
	gateway.TrustedProxies = readNetworks(s, "trusted_proxies")
	gateway.Login = readLogin(s.section("login"), names, len(gateway.TrustedProxies))
	for _, item := range s.sections("tokens") {
		gateway.Tokens = append(gateway.Tokens, readToken(item, gateway.Tokens, names))
	}
	gateway.Webhooks = readWebhooks(s.section("webhooks"), apps)
	s.rejectUnknown()
	return gateway
}

// readToken reads one token, which must differ from the others.
func readToken(s *section, others []Token, apps []string) Token {
	token := Token{
		Name:   required(s, "name", tokenName),
		SHA256: required(s, "sha256", sha256Hex),
		Apps:   readWords(s, "apps", apps),
		Scopes: readWords(s, "scopes", Scopes()), Priority: optional(s, "priority", "", priority),
		Expires: optional(s, "expires", time.Time{}, ParseExpiry), Limits: readBudget(s.section("limits")),
		Notify: readNotify(s),
	}
	if allowed := token.Limits.Priorities; token.Priority != "" && allowed != nil && !slices.Contains(allowed, token.Priority) {
		s.fail(s.at("priority"), "%q is not one of its limits.priorities", token.Priority)
	}
	for _, other := range others {
		if token.Name != "" && token.Name == other.Name {
			s.fail(s.at("name"), "%q is taken by another token", token.Name)
		}
		if token.SHA256 != [32]byte{} && token.SHA256 == other.SHA256 {
			s.fail(s.at("sha256"), "the same as that of token %q", other.Name)
		}
	}
	s.rejectUnknown()
	return token
}

// tokenName rejects the names of other actors, whose messages the token could recall.
func tokenName(name string) (string, error) {
	switch {
	case strings.HasPrefix(name, PersonPrefix):
		return "", fmt.Errorf("begins with %q, which is for people of gateway.login", PersonPrefix)
	case name == tasks.DigestActor || strings.HasPrefix(name, tasks.WebhookActor("")):
		return "", fmt.Errorf("%q is what webhooks are called; choose another name", name)
	case strings.Contains(name, "@"):
		return "", fmt.Errorf("%q has an @, as the users of commands have; leave it out", name)
	}
	return nonEmpty[string](name)
}

// readNetworks reads a list of addresses and networks.
func readNetworks(s *section, key string) []netip.Prefix {
	var networks []netip.Prefix
	for _, v := range s.texts(key) {
		if !v.failed {
			networks = append(networks, interpret(s, v, netip.Prefix{}, network))
		}
	}
	return networks
}

// readBudget reads the limits of a token: a missing limit does not apply.
func readBudget(s *section) budget.Limits {
	limits := budget.Limits{
		PerMinute:        optional(s, "per_minute", 0, atLeast(1)),
		RecipientsPerDay: optional(s, "recipients_per_day", 0, atLeast(1)),
		MaxRecipients:    optional(s, "max_recipients", 0, atLeast(1)),
		NotToAll:         s.oneOf("to_all", "true", "true", "false") == "false",
	}
	if _, given := s.entries["priorities"]; given {
		limits.Priorities = readWords(s, "priorities", tasks.Priorities())
	} else {
		s.known = append(s.known, "priorities")
	}
	s.rejectUnknown()
	return limits
}

// readWords reads a non-empty list of known words.
func readWords[T ~string](s *section, key string, known []T) []T {
	listed := make([]string, len(known))
	for i, word := range known {
		listed[i] = string(word)
	}
	var words []T
	before := len(s.errs)
	for _, v := range s.texts(key) {
		if v.failed {
			continue
		}
		if !slices.Contains(listed, v.text) {
			s.fail(v.place, "%s", conceal(fmt.Errorf("%q is not one of %s", v.text, strings.Join(listed, ", ")), v.text))
		}
		words = append(words, T(v.text))
	}
	if len(words) == 0 && len(s.errs) == before && !s.broken {
		s.fail(s.at(key), "missing (list at least one of %s)", strings.Join(listed, ", "))
	}
	return words
}
