package config_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/wecomq/wecomq/internal/budget"
	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/webhook"
	"github.com/wecomq/wecomq/tasks"
)

// environment returns a lookup like os.LookupEnv.
func environment(vars map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		value, ok := vars[name]
		return value, ok
	}
}

// write writes files into a new directory, which it returns.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		writeFile(t, filepath.Join(dir, name), content)
	}
	return dir
}

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// load loads wecomq.yaml with this content. Errors name the file without its directory.
func load(t *testing.T, yaml string, vars map[string]string) (*config.Config, error) {
	t.Helper()
	dir := write(t, map[string]string{"wecomq.yaml": yaml, "secret.txt": "from-a-file\n", "empty.txt": "\n"})
	cfg, err := config.Load(filepath.Join(dir, "wecomq.yaml"), environment(vars))
	if err != nil {
		err = errors.New(strings.ReplaceAll(err.Error(), dir+"/", ""))
	}
	return cfg, err
}

// documented is a configuration of one app with the defaults of the manual.
func documented(name string) *config.Config {
	return &config.Config{
		Redis: config.Redis{URL: "redis://127.0.0.1:6379/0"},
		Apps: map[string]*config.App{name: {
			Name: name, CorpID: "ww0123456789abcdef", AgentID: "1000002", Secret: "s3cret",
			APIBaseURL: "https://qyapi.weixin.qq.com", Timeout: 10 * time.Second, Concurrency: 16, OnUnknown: "resend", UnknownResends: 2,
			Retention: map[tasks.Priority]time.Duration{tasks.Critical: 24 * time.Hour, tasks.Default: 24 * time.Hour, tasks.Bulk: time.Hour},
			RecordTTL: 168 * time.Hour, Timezone: "Asia/Shanghai", MediaStorage: 256 << 20,
			Limits: tasks.Limits{CallsPerMinute: 10000, MemberPerMinute: 30, MemberPerHour: 1000, CriticalReserve: 0.05},
		}},
		Gateway: config.Gateway{Listen: "127.0.0.1:8080", Webhooks: webhook.DefaultConfig()},
		Log:     config.Log{Level: "info", Format: ""},
	}
}

const minimal = `apps:
  ops:
    corp_id: ww0123456789abcdef
    agent_id: 1000002
    secret: s3cret
`

func TestDefaultsAreTheDocumentedOnes(t *testing.T) {
	t.Parallel()
	example, err := os.ReadFile(filepath.Join("..", "..", "wecomq.example.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]string{
		"in the example":               string(example),
		"in a file of nothing else":    minimal,
		"where sections have no value": minimal + "    limits:\n    retention:\nredis:\ngateway:\nlog: {level: }\n",
	}
	for name, yaml := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg, err := load(t, yaml, map[string]string{"WECOM_OPS_SECRET": "s3cret"})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(documented("ops"), cfg); diff != "" {
				t.Errorf("Load (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEveryKeyTakesEffect(t *testing.T) {
	t.Parallel()
	yaml := fmt.Sprintf(`
redis:
  url: rediss://:${REDIS_PASSWORD}@h:6380/2
  durability: replica
apps:
  hr:
    corp_id: "${CORP}"
    agent_id: "1000003"
    secret_file: secret.txt
    api_base_url: http://simulator:8090/base
    proxy: http://user:pw@proxy:3128
    timeout: 30s
    concurrency: 2
    on_unknown: park
    unknown_resends: 5
    retention: {critical: 0s, default: 1h, bulk: 2h}
    records: 48h
    timezone: Europe/Berlin
    media_storage: 1GB
    limits:
      seats: 500
      calls_per_minute: 100
      member_per_minute: 20
      member_per_hour: 200
      critical_reserve: 12.5%%
broadcast: {approval_above: 10000}
gateway:
  listen: :80
  metrics_listen: 127.0.0.1:9090
  login: {proxy_header: X-User, groups_header: X-Groups, groups: [{group: admins, apps: [hr], scopes: [admin]}]}
  trusted_proxies: [10.1.2.3/8, "fd00::/8", 192.0.2.7]
  tokens:
    - {name: grafana, sha256: "%x", apps: [hr], scopes: [send, read]}
    - name: root
      sha256: %X
      apps:
      - hr
      scopes: [admin, approve]
      limits: {per_minute: 60, recipients_per_day: 5000, max_recipients: 100, priorities: [default, bulk], to_all: false}
log: {level: debug, format: console}
`, sha256.Sum256([]byte("one")), sha256.Sum256([]byte("two")))
	want := &config.Config{
		Redis: config.Redis{URL: "rediss://:pw@h:6380/2", AwaitReplica: true},
		Apps: map[string]*config.App{"hr": {
			Name: "hr", CorpID: "ww1", AgentID: "1000003", Secret: "from-a-file",
			APIBaseURL: "http://simulator:8090/base", Proxy: "http://user:pw@proxy:3128",
			Timeout: 30 * time.Second, Concurrency: 2, OnUnknown: "park", UnknownResends: 5,
			Retention: map[tasks.Priority]time.Duration{tasks.Critical: 0, tasks.Default: time.Hour, tasks.Bulk: 2 * time.Hour},
			RecordTTL: 48 * time.Hour, Timezone: "Europe/Berlin", MediaStorage: 1 << 30,
			Limits: tasks.Limits{Seats: 500, CallsPerMinute: 100, MemberPerMinute: 20, MemberPerHour: 200, CriticalReserve: 0.125},
		}},
		Broadcast: config.Broadcast{ApprovalAbove: 10000},
		Gateway: config.Gateway{Listen: ":80", MetricsListen: "127.0.0.1:9090", Login: &config.Login{
			ProxyHeader: "X-User", GroupsHeader: "X-Groups",
			Groups: []config.Group{{Name: "admins", Apps: []string{"hr"}, Scopes: []config.Scope{config.ScopeAdmin}}},
		}, TrustedProxies: []netip.Prefix{
			netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8"), netip.MustParsePrefix("192.0.2.7/32"),
		}, Tokens: []config.Token{
			{Name: "grafana", SHA256: sha256.Sum256([]byte("one")), Apps: []string{"hr"}, Scopes: []config.Scope{config.ScopeSend, config.ScopeRead}},
			{Name: "root", SHA256: sha256.Sum256([]byte("two")), Apps: []string{"hr"}, Scopes: []config.Scope{config.ScopeAdmin, config.ScopeApprove}, Limits: budget.Limits{
				PerMinute: 60, RecipientsPerDay: 5000, MaxRecipients: 100, Priorities: []tasks.Priority{tasks.Default, tasks.Bulk}, NotToAll: true,
			}},
		}, Webhooks: webhook.DefaultConfig()},
		Log: config.Log{Level: "debug", Format: "console"},
	}

	cfg, err := load(t, yaml, map[string]string{"REDIS_PASSWORD": "pw", "CORP": "ww1"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, cfg, cmpopts.EquateComparable(netip.Prefix{})); diff != "" {
		t.Errorf("Load (-want +got):\n%s", diff)
	}
	if got := cfg.Apps["hr"].Location(); got.String() != "Europe/Berlin" {
		t.Errorf("Location() = %v", got)
	}
	if got := cfg.Apps["hr"].ProxyURL(); got.Host != "proxy:3128" {
		t.Errorf("ProxyURL() = %v, want the proxy", got)
	}
}

func TestSecretsMayHaveOddCharacters(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ written, want string }{
		"from the environment":       {"${ODD}", "]}: a: b - #'\"${x}"},
		"inside double quotes":       {`"${ODD}"`, "]}: a: b - #'\"${x}"},
		"marked by an editor":        {"${MARKED}", "p"},
		"as digits with a zero":      {"0123", "0123"},
		"as something like a number": {"1e3", "1e3"},
		"with an escaped reference":  {"a$${b}$c", "a${b}$c"},
		"next to a reference":        {"<${PLAIN}>", "<p>"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			yaml := strings.Replace(minimal, "s3cret", tt.written, 1)
			cfg, err := load(t, yaml, map[string]string{"ODD": "]}: a: b - #'\"${x}", "PLAIN": "p", "MARKED": "\ufeffp\r\n"})
			if err != nil {
				t.Fatal(err)
			}
			if got := string(cfg.Apps["ops"].Secret); got != tt.want {
				t.Errorf("secret = %q, want %q", got, tt.want)
			}
		})
	}
}

func TestConfigDoesNotPrintItsSecrets(t *testing.T) {
	t.Parallel()
	cfg, err := load(t, minimal+"    proxy: http://u:hunter2@p\nredis: {url: 'redis://:hunter2@h'}\n", nil)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{string(encoded), fmt.Sprintf("%+v %+v", cfg, cfg.Apps["ops"]), fmt.Sprintf("%#v", *cfg.Apps["ops"])} {
		if strings.Contains(text, "hunter2") || strings.Contains(text, "s3cret") {
			t.Errorf("a secret shows in %s", text)
		}
	}
}

func TestApp(t *testing.T) {
	t.Parallel()
	ops, hr := &config.App{Name: "ops"}, &config.App{Name: "hr"}
	one := &config.Config{Apps: map[string]*config.App{"ops": ops}}
	two := &config.Config{Apps: map[string]*config.App{"ops": ops, "hr": hr}}
	tests := map[string]struct {
		cfg  *config.Config
		name string
		want *config.App
		err  string
	}{
		"is found by name":                  {cfg: two, name: "hr", want: hr},
		"needs no name if it is alone":      {cfg: one, want: ops},
		"needs a name if there are several": {cfg: two, want: nil, err: "app: there are 2, name one of hr, ops"},
		"must exist":                        {cfg: one, name: "hr", want: nil, err: `app: no "hr" in the configuration, which has ops`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := tt.cfg.App(tt.name)
			if got != tt.want || (err == nil) != (tt.err == "") || (err != nil && err.Error() != tt.err) {
				t.Errorf("App(%q) = %v, %v; want %v, %q", tt.name, got, err, tt.want, tt.err)
			}
		})
	}
}

func TestProxyURLOfNoProxyIsNil(t *testing.T) {
	t.Parallel()
	if got := (config.App{}).ProxyURL(); got != nil {
		t.Errorf("ProxyURL() = %v, want nil", got)
	}
}

func TestReadableSecretIsAWarning(t *testing.T) {
	t.Parallel()
	const advice = " holds a secret and other users can read it (mode 0644): run chmod 600 on it, or use ${VAR} or secret_file"
	tests := map[string]struct {
		yaml string
		mode os.FileMode
		warn bool
	}{
		"if others can read it":               {minimal, 0o644, true},
		"also for a key":                      {strings.Replace(minimal, "s3cret", "${S}", 1) + "redis: {encryption_key: q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=}\n", 0o644, true},
		"also for the password of Redis":      {strings.Replace(minimal, "s3cret", "${S}", 1) + "redis: {url: 'redis://:pw@h'}\n", 0o644, true},
		"but not if only the owner can":       {minimal, 0o600, false},
		"but not if the environment holds it": {strings.Replace(minimal, "s3cret", "${S}", 1) + "redis: {url: 'redis://:${S}@h'}\n", 0o644, false},
		"but not if a file holds it":          {strings.Replace(minimal, "secret: s3cret", "secret_file: secret.txt", 1), 0o644, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(write(t, map[string]string{"wecomq.yaml": tt.yaml, "secret.txt": "x"}), "wecomq.yaml")
			if err := os.Chmod(path, tt.mode); err != nil {
				t.Fatal(err)
			}
			cfg, err := config.Load(path, environment(map[string]string{"S": "s"}))
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			if tt.warn {
				want = []string{path + advice}
			}
			if diff := cmp.Diff(want, cfg.Warnings); diff != "" {
				t.Errorf("Warnings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAKeyThatOthersCanReadIsAWarning(t *testing.T) {
	t.Parallel()
	const key = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA="
	dir := write(t, map[string]string{"wecomq.yaml": minimal + "redis: {encryption_key_file: key.txt}\n", "key.txt": key + "\n"})
	for mode, want := range map[os.FileMode][]string{
		0o644: {"redis.encryption_key_file: other users can read " + filepath.Join(dir, "key.txt") +
			" (mode 0644): run chmod 600 on it; in Kubernetes, set defaultMode: 0400"},
		0o600: nil,
		0o400: nil,
	} {
		if err := os.Chmod(filepath.Join(dir, "key.txt"), mode); err != nil {
			t.Fatal(err)
		}
		cfg, err := config.Load(filepath.Join(dir, "wecomq.yaml"), environment(nil))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, cfg.Warnings); diff != "" || cfg.Redis.EncryptionKeys == nil {
			t.Errorf("Warnings (-want +got):\n%s", diff)
		}
		if text := fmt.Sprintf("%+v", cfg.Redis); strings.Contains(text, key[:8]) {
			t.Errorf("the config prints the key: %s", text)
		}
	}
}

func TestFileIsFound(t *testing.T) {
	named := filepath.Join(write(t, map[string]string{"named.yaml": strings.Replace(minimal, "ops", "named", 1)}), "named.yaml")
	env := map[string]string{"WECOM_CORP_ID": "ww0123456789abcdef", "WECOM_AGENT_ID": "1000002", "WECOM_SECRET": "s3cret"}
	withPath := map[string]string{"WECOMQ_CONFIG": named, "WECOM_SECRET": "x"}
	tests := map[string]struct {
		here map[string]string // files in the working directory
		path string
		env  map[string]string
		want string // the name of the app
	}{
		"by path first":              {here: map[string]string{"wecomq.yaml": "!"}, path: named, env: map[string]string{"WECOMQ_CONFIG": "nowhere"}, want: "named"},
		"then by WECOMQ_CONFIG":      {here: map[string]string{"wecomq.yaml": "!"}, env: withPath, want: "named"},
		"then here":                  {here: map[string]string{"wecomq.yaml": minimal}, env: env, want: "ops"},
		"or else in the environment": {env: env, want: "default"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Chdir(write(t, tt.here))
			cfg, err := config.Load(tt.path, environment(tt.env))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := cfg.App(tt.want); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestNoConfiguration(t *testing.T) {
	t.Chdir(t.TempDir())
	if _, err := config.Load("", environment(nil)); !errors.Is(err, config.ErrNone) {
		t.Errorf("Load = %v, want %v", err, config.ErrNone)
	}
}

func TestFileThatCannotBeRead(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{"big.yaml": strings.Repeat("#", 1<<20+1)})
	tests := map[string]struct{ file, want string }{
		"is missing":   {"none.yaml", "read config: open " + dir + "/none.yaml: no such file or directory"},
		"is too large": {"big.yaml", "read config: " + dir + "/big.yaml: 1048577 bytes, the limit is 1048576"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := config.Load(filepath.Join(dir, tt.file), environment(nil))
			if err == nil || err.Error() != tt.want {
				t.Errorf("Load = %v\nwant %s", err, tt.want)
			}
		})
	}
}

func TestAKeyOfTLSThatOthersCanReadIsAWarning(t *testing.T) {
	t.Parallel()
	cert, key := selfSigned(t)
	dir := write(t, map[string]string{
		"wecomq.yaml": minimal + "gateway: {tls: {cert_file: gateway.pem, key_file: gateway.key}}\n", "gateway.pem": cert, "gateway.key": key,
	})
	for mode, want := range map[os.FileMode][]string{
		0o644: {"gateway.tls.key_file: other users can read " + filepath.Join(dir, "gateway.key") +
			" (mode 0644): run chmod 600 on it; in Kubernetes, set defaultMode: 0400"},
		0o600: nil,
	} {
		if err := os.Chmod(filepath.Join(dir, "gateway.key"), mode); err != nil {
			t.Fatal(err)
		}
		cfg, err := config.Load(filepath.Join(dir, "wecomq.yaml"), environment(nil))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, cfg.Warnings); diff != "" {
			t.Errorf("Warnings (-want +got):\n%s", diff)
		}
	}
}

// selfSigned makes a certificate and its key, as PEM.
func selfSigned(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	own, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: own}))
}
