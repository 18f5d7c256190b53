package config

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/wecomq/wecomq/internal/seal"
	"github.com/wecomq/wecomq/wecom"
)

// DefaultPath is read when neither a path nor WECOMQ_CONFIG is given.
const DefaultPath = "wecomq.yaml"

// maxFileBytes is the size limit of the config file and of every file that it names.
const maxFileBytes = 1 << 20

// ErrNone is returned when there is neither a file nor an environment to read.
var ErrNone = errors.New("no configuration: write wecomq.yaml, name a file with --config or WECOMQ_CONFIG, " +
	"or set WECOM_CORP_ID, WECOM_AGENT_ID and WECOM_SECRET")

// Config is the complete configuration of a process.
type Config struct {
	Redis     Redis
	Apps      map[string]*App // by name, at least one
	Broadcast Broadcast
	Gateway   Gateway
	Log       Log
	// Warnings list settings that work but should be changed.
	Warnings []string
}

// Redis is the Redis that holds queues and records.
type Redis struct {
	// URL may hold a password; internal/redisconn opens it.
	URL wecom.Secret
	// AwaitReplica requires a replica to confirm enqueued, begun and settled messages.
	AwaitReplica bool
	// EncryptionKeys encrypt the access tokens in it; nil stores them unencrypted.
	EncryptionKeys *seal.Keys
}

// Log configures the log on stderr.
type Log struct {
	Level  string // trace, debug, info, warn or error
	Format string // json, console, or "" to choose by whether stderr is a terminal
}

// Load reads the file at path. With an empty path it reads the file named by
// WECOMQ_CONFIG, else [DefaultPath] if there is one, else the environment.
// lookupEnv is [os.LookupEnv], or a replacement in tests. Every error is an [*Error].
func Load(path string, lookupEnv func(string) (string, bool)) (*Config, error) {
	cfg, err := load(path, lookupEnv)
	if err != nil {
		return nil, &Error{err}
	}
	return cfg, nil
}

func load(path string, lookupEnv func(string) (string, bool)) (*Config, error) {
	src := &source{file: path, lookupEnv: lookupEnv}
	if src.file == "" {
		src.file = src.variable("WECOMQ_CONFIG")
	}
	if src.file == "" && exists(DefaultPath) {
		src.file = DefaultPath
	}
	if src.file == "" {
		return readEnvironment(src)
	}
	file, err := readFile(src.file)
	if err != nil {
		return nil, fmt.Errorf("read config: %w", err)
	}
	src.dir = filepath.Dir(src.file)
	cfg, err := readDocument(src, file.content)
	if err != nil {
		return nil, err
	}
	if src.holdsSecret && othersRead(file.mode) {
		cfg.Warnings = append(cfg.Warnings, fmt.Sprintf(
			"%s holds a secret and other users can read it (mode %04o): run chmod 600 on it, or use ${VAR} or secret_file",
			src.file, file.mode))
	}
	return cfg, nil
}

// App returns the app with this name, or an [*Error]. An empty name means the only app,
// if there is just one.
func (c *Config) App(name string) (*App, error) {
	names := c.AppNames()
	switch {
	case name == "" && len(names) == 1:
		return c.Apps[names[0]], nil
	case name == "":
		return nil, Errorf("app: there are %d, name one of %s", len(names), strings.Join(names, ", "))
	case c.Apps[name] == nil:
		return nil, Errorf("app: no %q in the configuration, which has %s", name, strings.Join(names, ", "))
	}
	return c.Apps[name], nil
}

// AppNames returns the names of all apps, sorted.
func (c *Config) AppNames() []string { return slices.Sorted(maps.Keys(c.Apps)) }

// Broadcast has the rules for all broadcasts.
type Broadcast struct {
	// ApprovalAbove is the number of recipients above which a broadcast waits for the approval of a second person; 0
	// means never.
	ApprovalAbove int
}

// readConfig reads the applications and the other sections.
func readConfig(src *source, redis *section, apps map[string]*App, broadcast, gateway, log *section) (*Config, error) {
	cfg := &Config{
		Redis: Redis{
			URL:            redis.redisURL("url", "redis://127.0.0.1:6379/0"),
			AwaitReplica:   redis.oneOf("durability", "primary", "primary", "replica") == "replica",
			EncryptionKeys: redis.encryptionKeys("encryption_key"),
		},
		Apps:      apps,
		Broadcast: Broadcast{ApprovalAbove: optional(broadcast, "approval_above", 0, atLeast(0))},
		Gateway:   readGateway(gateway, apps),
		Log: Log{
			Level:  log.oneOf("level", "info", "trace", "debug", "info", "warn", "error"),
			Format: log.oneOf("format", "", "json", "console"),
		},
	}
	redis.rejectUnknown()
	broadcast.rejectUnknown()
	log.rejectUnknown()
	if err := src.err(); err != nil {
		return nil, err
	}
	cfg.Warnings = src.warnings
	return cfg, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
