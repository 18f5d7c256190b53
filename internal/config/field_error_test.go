package config_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wecomq/wecomq/internal/config"
)

// app is the beginning of a file whose next line is line 6, in app ops.
const app = minimal

// known lists the keys of an app, as errors do.
const known = "corp_id, agent_id, secret, api_base_url, proxy, timeout, concurrency, on_unknown, unknown_resends, retention, records, timezone, media_storage, limits, notify_url, notify_secret, notify_internal"

func TestProblemsOfAnApp(t *testing.T) {
	t.Parallel()
	const at = "wecomq.yaml:6: apps.ops."
	tests := map[string]struct{ line, want string }{
		"unknown key":               {"timeuot: 1s", "timeuot: unknown key (known here: " + known + ")"},
		"file of an unknown key":    {"limits_file: x", "limits_file: unknown key (known here: " + known + ")"},
		"repeated key":              {"corp_id: other", "corp_id: already set in line 3"},
		"both secret and file":      {"secret_file: secret.txt", "secret_file: set together with apps.ops.secret: keep one of the two"},
		"file that is missing":      {"timeout_file: none.txt", "timeout_file: open none.txt: no such file or directory"},
		"file that is empty":        {"timeout_file: empty.txt", `timeout_file: "" is not a duration (write 500ms, 10s, 5m or 24h; 168h are 7 days)`},
		"variable that is not set":  {"timeout: ${T}", "timeout: environment variable T is not set"},
		"variable with a default":   {"timeout: ${T:-1s}", "timeout: bad reference to an environment variable (write ${NAME}, or $${ for a plain ${)"},
		"reference without an end":  {"timeout: ${T", "timeout: bad reference to an environment variable (write ${NAME}, or $${ for a plain ${)"},
		"list for a value":          {"timeout: [1s]", "timeout: want a plain value, not a list, mapping or tag"},
		"tag":                       {"timeout: !!str 1s", "timeout: want a plain value, not a list, mapping or tag"},
		"value for a mapping":       {"limits: 30", "limits: want a mapping of keys to values"},
		"timeout that is too long":  {"timeout: 2m", `timeout: "2m" is too long (at most 1m0s)`},
		"duration without a unit":   {"timeout: 10", `timeout: "10" is not a duration (write 500ms, 10s, 5m or 24h; 168h are 7 days)`},
		"timeout of zero":           {"timeout: 0s", `timeout: "0s" is too short (at least 1ms)`},
		"negative records":          {"records: -1h", `records: "-1h" is too short (at least 1h0m0s)`},
		"zone nobody knows":         {"timezone: Beijing", `timezone: "Beijing" is not a time zone such as Asia/Shanghai or UTC`},
		"zone of the host":          {"timezone: Local", `timezone: "Local" is not a time zone such as Asia/Shanghai or UTC`},
		"negative retention":        {"retention: {bulk: -1s}", `retention.bulk: "-1s" is too short (at least 0s)`},
		"storage without a unit":    {"media_storage: 256", `media_storage: "256" is not a size (write 64MB or 2GB)`},
		"storage for no file":       {"media_storage: 512KB", `media_storage: "512KB" is too small (at least 20MB, WeCom's largest file)`},
		"priority nobody knows":     {"retention: {low: 1h}", "retention.low: unknown key (known here: critical, default, bulk)"},
		"concurrency of zero":       {"concurrency: 0", `concurrency: "0" is not a whole number from 1 to 2147483647`},
		"concurrency with a dot":    {"concurrency: 1.5", `concurrency: "1.5" is not a whole number from 1 to 2147483647`},
		"concurrency beyond reason": {"concurrency: 9999999999", `concurrency: "9999999999" is not a whole number from 1 to 2147483647`},
		"policy nobody knows":       {"on_unknown: retry", `on_unknown: "retry" is not one of resend, park`},
		"negative seats":            {"limits: {seats: -1}", `limits.seats: "-1" is not a whole number from 0 to 2147483647`},
		"rate of zero":              {"limits: {calls_per_minute: 0}", `limits.calls_per_minute: "0" is not a whole number from 1 to 2147483647`},
		"reserve without percent":   {"limits: {critical_reserve: 0.05}", `limits.critical_reserve: "0.05" is not a percentage from 0% to below 100%`},
		"reserve of everything":     {"limits: {critical_reserve: 100%}", `limits.critical_reserve: "100%" is not a percentage from 0% to below 100%`},
		"reserve that is no number": {"limits: {critical_reserve: NaN%}", `limits.critical_reserve: "NaN%" is not a percentage from 0% to below 100%`},
		"limit nobody knows":        {"limits: {per_day: 1}", "limits.per_day: unknown key (known here: seats, calls_per_minute, member_per_minute, member_per_hour, critical_reserve)"},
		"API without a scheme":      {"api_base_url: qyapi.weixin.qq.com", "api_base_url: neither an http:// nor an https:// URL"},
		"API without a host":        {"api_base_url: 'https://:443'", "api_base_url: a URL without a host"},
		"API with a query":          {"api_base_url: 'https://h?debug=1'", "api_base_url: a URL with a query or fragment (drop what follows ? or #)"},
		"API with a password":       {"api_base_url: 'https://u:hunter2@h'", "api_base_url: a URL with a user or password (drop what precedes @)"},
		"receiver without a secret": {"notify_url: 'https://h/p?key=hunter2'", "notify_secret: missing (it signs what goes to notify_url; make one: printf 'whsec_%s\\n' \"$(openssl rand -base64 32)\")"},
		"secret without a receiver": {"notify_secret: whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=", "notify_url: missing (notify_secret is for it)"},
		"receiver that is no URL":   {"notify_url: 'ftp://u:hunter2@h'\n    notify_secret: whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=", "notify_url: neither an http:// nor an https:// URL"},
		"proxy that is no URL":      {"proxy: 'http://u:hunter2%zz@h'", "proxy: not a URL (write something like https://host:port)"},
		"proxy of another kind":     {"proxy: socks5://h:1080", "proxy: neither an http:// nor an https:// URL"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := load(t, app+"    "+tt.line+"\n", nil)
			if err == nil || err.Error() != at+tt.want {
				t.Errorf("Load = %v\nwant   %s", err, at+tt.want)
			}
		})
	}
}

func TestProblemsOfAFile(t *testing.T) {
	t.Parallel()
	const (
		sum   = "0123456789abcdef0123456789ABCDEF0123456789abcdef0123456789abcdef"
		token = minimal + "gateway:\n  tokens:\n    - "
		good  = "{name: a, sha256: " + sum + ", apps: [ops], scopes: [send]}"
	)
	tests := map[string]struct {
		yaml string
		want []string
	}{
		"empty":                  {"", []string{"wecomq.yaml:1: apps: missing (define at least one application)"}},
		"without applications":   {"redis: {}\napps: {}\n", []string{"wecomq.yaml:2: apps: missing (define at least one application)"}},
		"not a mapping":          {"hello\n", []string{"wecomq.yaml:1: want a mapping of keys to values"}},
		"two documents":          {minimal + "---\nx: 1\n", []string{"wecomq.yaml:6: a second YAML document (keep one)"}},
		"not YAML":               {"apps:\n  ops: {secret: hunter2\n", []string{"wecomq.yaml:2: not valid YAML: could not find flow mapping end token '}'"}},
		"not YAML near a secret": {"apps:\n  secret: |hunter2\n", []string{"wecomq.yaml:2: not valid YAML: invalid header option"}},
		"unknown section":        {minimal + "worker: {}\n", []string{"wecomq.yaml:6: worker: unknown key (known here: redis, apps, broadcast, gateway, log)"}},
		"bad name of an app":     {strings.Replace(minimal, "ops", "Ops", 1), []string{`wecomq.yaml:2: apps.Ops: app: "Ops" is not 1 to 32 of a-z, 0-9 and -, beginning with a letter or digit`}},
		"app that is a value":    {"apps:\n  ops: 5\n", []string{"wecomq.yaml:2: apps.ops: want a mapping of keys to values"}},
		"app without anything":   {"apps:\n  ops:\n", []string{"wecomq.yaml:2: apps.ops.corp_id: missing", "wecomq.yaml:2: apps.ops.agent_id: missing", "wecomq.yaml:2: apps.ops.secret: missing"}},
		"app with two names": {minimal + "  alerts:\n    corp_id: ww0123456789abcdef\n    agent_id: \"1000002\"\n    secret: another\n", []string{
			"wecomq.yaml:8: apps.alerts.agent_id: agent 1000002 of corp ww0123456789abcdef is apps.ops already " +
				"(WeCom counts both together, so use that name or create another application)",
		}},
		"empty secret":              {strings.Replace(minimal, "s3cret", `""`, 1), []string{"wecomq.yaml:5: apps.ops.secret: empty"}},
		"agent id with a sign":      {strings.Replace(minimal, "1000002", "+1", 1), []string{`wecomq.yaml:4: apps.ops.agent_id: "+1" is not a positive number such as 1000002`}},
		"agent id with letters":     {strings.Replace(minimal, "1000002", "ops", 1), []string{`wecomq.yaml:4: apps.ops.agent_id: "ops" is not a positive number such as 1000002`}},
		"agent id of zero":          {strings.Replace(minimal, "1000002", "0", 1), []string{`wecomq.yaml:4: apps.ops.agent_id: "0" is not a positive number such as 1000002`}},
		"bad Redis URL":             {minimal + "redis:\n  url: 'redis://:hunter/2@h'\n", []string{"wecomq.yaml:7: redis.url: not a URL (in a user name or password, write @ / ? # % : as %40 %2F %3F %23 %25 %3A)"}},
		"unknown key of Redis":      {minimal + "redis: {addr: h}\n", []string{"wecomq.yaml:6: redis.addr: unknown key (known here: url, durability, encryption_key)"}},
		"key that is none":          {minimal + "redis: {encryption_key: hunter2}\n", []string{"wecomq.yaml:6: redis.encryption_key: key 1 is not base64; make one with: openssl rand -base64 32"}},
		"key in a bad file":         {minimal + "redis: {encryption_key_file: secret.txt}\n", []string{"wecomq.yaml:6: redis.encryption_key_file: key 1 is not base64; make one with: openssl rand -base64 32"}},
		"key file that is missing":  {minimal + "redis: {encryption_key_file: none.txt}\n", []string{"wecomq.yaml:6: redis.encryption_key_file: open none.txt: no such file or directory"}},
		"key file that is empty":    {minimal + "redis: {encryption_key_file: empty.txt}\n", []string{"wecomq.yaml:6: redis.encryption_key_file: no key; make one with: openssl rand -base64 32"}},
		"bad log":                   {minimal + "log:\n  level: loud\n  format: xml\n  color: no\n", []string{`wecomq.yaml:7: log.level: "loud" is not one of trace, debug, info, warn, error`, `wecomq.yaml:8: log.format: "xml" is not one of json, console`, "wecomq.yaml:9: log.color: unknown key (known here: level, format)"}},
		"negative approval":         {minimal + "broadcast: {approval_above: -1}\n", []string{`wecomq.yaml:6: broadcast.approval_above: "-1" is not a whole number from 0 to 2147483647`}},
		"unknown key of broadcasts": {minimal + "broadcast: {approval: 1}\n", []string{"wecomq.yaml:6: broadcast.approval: unknown key (known here: approval_above)"}},
		"listening without a port":  {minimal + "gateway: {listen: localhost}\n", []string{`wecomq.yaml:6: gateway.listen: "localhost" is not host:port`}},
		"listening at a bad port":   {minimal + "gateway: {listen: 'h:65536'}\n", []string{`wecomq.yaml:6: gateway.listen: "h:65536": its port is not a number from 0 to 65535`}},
		"TLS without anything to show": {minimal + "gateway: {tls: {client_ca: x, ca: y}}\n", []string{
			"wecomq.yaml:6: gateway.tls.cert: missing", "wecomq.yaml:6: gateway.tls.key: missing",
			"wecomq.yaml:6: gateway.tls.ca: unknown key (known here: cert, key, client_ca)",
		}},
		"TLS with something else": {minimal + "gateway: {tls: {cert: hunter2, key: hunter3}}\n", []string{
			"wecomq.yaml:6: gateway.tls: tls: failed to find any PEM data in certificate input",
		}},
		"TLS with a file that is not there": {minimal + "gateway: {tls: {cert_file: none.pem, key_file: secret.txt}}\n", []string{
			"wecomq.yaml:6: gateway.tls.cert_file: open none.pem: no such file or directory",
		}},
		"login by nobody": {minimal + "gateway: {login: {proxy_header: 'X User', groups: []}}\n", []string{
			`wecomq.yaml:6: gateway.login.proxy_header: "X User" is not the name of a header such as X-Forwarded-User`,
			`wecomq.yaml:6: gateway.login.groups: missing (say what at least one group may do; "*" is everybody)`,
			"wecomq.yaml:6: gateway.login: nobody is trusted to log people in (list the proxy in gateway.trusted_proxies)",
		}},
		"a token named like a person": {token + "{name: 'user:lisi', sha256: " + sum + ", apps: [ops], scopes: [send]}\n", []string{
			`wecomq.yaml:8: gateway.tokens[0].name: begins with "user:", which is for people of gateway.login`,
		}},
		"proxies that are none": {minimal + "gateway: {trusted_proxies: [proxy, 0.0.0.0/0, '::ffff:10.0.0.1']}\n", []string{
			`wecomq.yaml:6: gateway.trusted_proxies[0]: "proxy" is neither an address nor a network (write 10.0.0.7, or 10.0.0.8/29 for a network of proxies only)`,
			`wecomq.yaml:6: gateway.trusted_proxies[1]: "0.0.0.0/0" is every address (name those of your proxies)`,
			`wecomq.yaml:6: gateway.trusted_proxies[2]: "::ffff:10.0.0.1" is an IPv4 address in IPv6 form (write it as IPv4)`,
		}},
		"tokens that are no list": {minimal + "gateway: {tokens: 1}\n", []string{"wecomq.yaml:6: gateway.tokens: want a list"}},
		"token that is a value":   {token + "hunter2\n", []string{"wecomq.yaml:8: gateway.tokens[0]: want a mapping of keys to values"}},
		"token with a webhook's name": {token + strings.Replace(good, "name: a", "name: webhook", 1) + "\n", []string{
			`wecomq.yaml:8: gateway.tokens[0].name: "webhook" is what webhooks are called; choose another name`,
		}},
		"token with a user's name": {token + strings.Replace(good, "name: a", "name: root@db1", 1) + "\n", []string{
			`wecomq.yaml:8: gateway.tokens[0].name: a value of 8 characters has an @, as the users of commands have; leave it out`,
		}},
		"token with nothing": {token + "{}\n", []string{
			"wecomq.yaml:8: gateway.tokens[0].name: missing", "wecomq.yaml:8: gateway.tokens[0].sha256: missing",
			"wecomq.yaml:8: gateway.tokens[0].apps: missing (list at least one of ops)",
			"wecomq.yaml:8: gateway.tokens[0].scopes: missing (list at least one of send, recall, read, admin, approve)",
		}},
		"token of nobody": {token + "{name: a, sha256: " + sum + ", apps: [hr], scopes: [root], for: me}\n", []string{
			`wecomq.yaml:8: gateway.tokens[0].apps[0]: "hr" is not one of ops`,
			`wecomq.yaml:8: gateway.tokens[0].scopes[0]: "root" is not one of send, recall, read, admin, approve`,
			"wecomq.yaml:8: gateway.tokens[0].for: unknown key (known here: name, sha256, apps, scopes, priority, expires, limits, notify_url, notify_secret, notify_internal)",
		}},
		"token with odd limits": {token + "{name: a, sha256: " + sum + ", apps: [ops], scopes: [send], priority: critical, " +
			"limits: {per_minute: 0, recipients_per_day: -1, max_recipients: many, priorities: [bulk], to_all: maybe, per_hour: 1}}\n", []string{
			`wecomq.yaml:8: gateway.tokens[0].limits.per_minute: "0" is not a whole number from 1 to 2147483647`,
			`wecomq.yaml:8: gateway.tokens[0].limits.recipients_per_day: "-1" is not a whole number from 1 to 2147483647`,
			`wecomq.yaml:8: gateway.tokens[0].limits.max_recipients: "many" is not a whole number from 1 to 2147483647`,
			`wecomq.yaml:8: gateway.tokens[0].limits.to_all: "maybe" is not one of true, false`,
			"wecomq.yaml:8: gateway.tokens[0].limits.per_hour: unknown key (known here: per_minute, recipients_per_day, max_recipients, to_all, priorities)",
			`wecomq.yaml:8: gateway.tokens[0].priority: "critical" is not one of its limits.priorities`,
		}},
		"token without a priority": {token + "{name: a, sha256: " + sum + ", apps: [ops], scopes: [send], limits: {priorities: []}}\n", []string{
			"wecomq.yaml:8: gateway.tokens[0].limits.priorities: missing (list at least one of critical, default, bulk)",
		}},
		"token that ends at no time": {token + "{name: a, sha256: " + sum + ", apps: [ops], scopes: [send], expires: soon}\n", []string{
			`wecomq.yaml:8: gateway.tokens[0].expires: "soon" is not a date such as 2027-01-31, or a time such as 2027-01-31T18:00:00+08:00`,
		}},
		"token in the clear": {token + "{name: a, sha256: hunter2, apps: [ops], scopes: [send]}\n", []string{
			`wecomq.yaml:8: gateway.tokens[0].sha256: 7 characters, want the 64 hexadecimal digits of a SHA-256 (printf %s "$TOKEN" | sha256sum)`,
		}},
		"token that comes twice": {token + good + "\n    - " + good + "\n", []string{
			`wecomq.yaml:9: gateway.tokens[1].name: "a" is taken by another token`,
			`wecomq.yaml:9: gateway.tokens[1].sha256: the same as that of token "a"`,
		}},
		"list in the list of apps": {token + "{name: a, sha256: " + sum + ", apps: [[ops]], scopes: [send]}\n", []string{
			"wecomq.yaml:8: gateway.tokens[0].apps[0]: want a plain value, not a list, mapping or tag",
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := load(t, tt.yaml, nil)
			if err == nil {
				t.Fatal("Load accepted it")
			}
			if diff := cmp.Diff(tt.want, strings.Split(err.Error(), "\n")); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
			if strings.Contains(err.Error(), "hunter") {
				t.Errorf("the error shows a secret: %v", err)
			}
		})
	}
}

func TestProblemsAreInTheOrderOfTheFile(t *testing.T) {
	t.Parallel()
	_, err := load(t, "log: {level: x}\nredis: {url: x}\n"+minimal+"    timeout: x\nextra: 1\n", nil)
	if err == nil {
		t.Fatal("Load accepted it")
	}
	var lines []string
	for line := range strings.Lines(err.Error()) {
		number, _, _ := strings.Cut(strings.TrimPrefix(line, "wecomq.yaml:"), ":")
		lines = append(lines, number)
	}
	if diff := cmp.Diff([]string{"1", "2", "8", "9"}, lines); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

func FuzzLoad(f *testing.F) {
	f.Add(minimal)
	f.Add("apps: {a: {secret: ${S}, limits: [1, {}]}}\n---\n")
	f.Add("gateway: {tokens: [{apps: [*x]}]}\nlog: &a !!str |\n  x\n? [k]\n: v\n<<: *a\n")
	f.Add("0\n--- ")
	f.Add("0\n...\n1")
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, yaml string) {
		path := filepath.Join(dir, "wecomq.yaml")
		writeFile(t, path, yaml)
		cfg, err := config.Load(path, environment(map[string]string{"S": "s3cret"}))
		if (cfg == nil) == (err == nil) {
			t.Errorf("Load = %v, %v, want one of the two", cfg, err)
		}
		if err == nil && len(cfg.Apps) == 0 {
			t.Error("Load accepted a file without applications")
		}
	})
}

// A secret of WeCom, a key and a token, each in every place for a value.
func TestNoErrorShowsASecretInTheWrongPlace(t *testing.T) {
	t.Parallel()
	const places = `
redis: {url: %[1]s, durability: %[1]s, encryption_key: %[1]s, other: %[1]s}
apps:
  ops:
    corp_id: ww1
    agent_id: %[1]s
    secret_file: %[1]s
    api_base_url: %[1]s
    proxy: %[1]s
    timeout: %[1]s
    concurrency: %[1]s
    on_unknown: %[1]s
    retention: {bulk: %[1]s}
    records: %[1]s
    timezone: %[1]s
    media_storage: %[1]s
    limits: {seats: %[1]s, critical_reserve: %[1]s}
broadcast: {approval_above: %[1]s}
gateway:
  listen: %[1]s
  public_url: %[1]s
  trusted_proxies: [%[1]s]
  tokens:
    - {name: a, sha256: %[1]s, apps: [%[1]s], scopes: [%[1]s], priority: %[1]s, expires: %[1]s}
    - %[1]s
log: {level: %[1]s, format: %[1]s}
`
	for _, secret := range []string{
		"Jx8kP0eVb2QmZ5tYw7RfLc1NdAu3GhSi9oTqXvBzKjM", "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeA==", "hunter2-hunter2-hunter2",
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde",
	} {
		_, err := load(t, fmt.Sprintf(places, secret), nil)
		if err == nil || strings.Contains(err.Error(), secret[:12]) || strings.Count(err.Error(), "\n") < 24 {
			t.Errorf("of %s: %v", secret, err)
		}
	}
}

// A misplaced URL may contain a password.
func TestErrorsDoNotQuoteURLs(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"redis://:hunter2@127.0.0.1:6379/5", "redis://h?password=hunter2", "//u:hunter2@h", "u@h:hunter2", "https://u@h:hunter2/x"} {
		for _, place := range []string{"gateway: {listen: '%s'}\n", "gateway: {public_url: '%s'}\n", "gateway: {trusted_proxies: ['%s']}\n", "log: {level: '%s'}\n"} {
			_, err := load(t, minimal+fmt.Sprintf(place, url), nil)
			if err == nil || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%s in %s: %v", url, place, err)
			}
		}
	}
}
