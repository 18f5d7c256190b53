package config_test

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/wecomq/wecomq/internal/config"
)

// A value made from a file often ends in a line break, and Windows puts a byte order mark at the beginning of files.
func TestBlanksAndMarksAreNoPartOfAValue(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("secret.txt", "\ufeffs3cret\n")
	head := "apps:\n  ops:\n    corp_id: \"ww0123456789abcdef \"\n    agent_id: 1000002\n"
	env := map[string]string{"SECRET": "s3cret\n", "URL": " redis://127.0.0.1:6379/5\r\n"}
	for name, text := range map[string]string{
		"a byte order mark":                 "\ufeff" + head + "    secret: s3cret\n",
		"a mark in the file of a secret":    head + "    secret_file: secret.txt\n",
		"a variable that ends in a break":   head + "    secret: ${SECRET}\n",
		"a quoted value with a blank":       head + "    secret: \"s3cret \"\n",
		"a block that ends in a line break": head + "    secret: |\n      s3cret\n",
	} {
		cfg, err := config.Load(write("wecomq.yaml", "redis: {url: \"${URL}\"}\n"+text), environment(env))
		if strings.HasPrefix(text, "\ufeff") {
			cfg, err = config.Load(write("wecomq.yaml", text+"redis: {url: \"${URL}\"}\n"), environment(env))
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if app := cfg.Apps["ops"]; app.Secret != "s3cret" || app.CorpID != "ww0123456789abcdef" || cfg.Redis.URL != "redis://127.0.0.1:6379/5" {
			t.Errorf("%s: corp_id %q, secret %q, Redis %q", name, app.CorpID, string(app.Secret), string(cfg.Redis.URL))
		}
	}
	utf16le := []byte{0xff, 0xfe}
	for _, unit := range utf16.Encode([]rune(head)) {
		utf16le = binary.LittleEndian.AppendUint16(utf16le, unit)
	}
	if _, err := config.Load(write("wide.yaml", string(utf16le)), environment(nil)); err == nil || !strings.Contains(err.Error(), "the file is UTF-16; save it as UTF-8") {
		t.Errorf("UTF-16: %v", err)
	}
}

func TestVariablesAreTrimmed(t *testing.T) {
	t.Chdir(t.TempDir())
	cfg, err := config.Load("", environment(map[string]string{
		"WECOM_CORP_ID": "ww0123456789abcdef\n", "WECOM_AGENT_ID": " 1000002\n", "WECOM_SECRET": "s3cret\r\n", "REDIS_URL": "redis://127.0.0.1:6379/5\n",
	}))
	if err != nil {
		t.Fatal(err)
	}
	if app := cfg.Apps["default"]; app.CorpID != "ww0123456789abcdef" || app.AgentID != "1000002" || app.Secret != "s3cret" || cfg.Redis.URL != "redis://127.0.0.1:6379/5" {
		t.Errorf("%+v, Redis %q", app, string(cfg.Redis.URL))
	}
}

func TestThePathOfThePublicURLIsThePrefix(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"": "", "https://ops.example.com": "", "https://ops.example.com/": "", "https://ops.example.com/a/wecomq/": "/a/wecomq",
	} {
		if got := config.PublicURL(address).Prefix(); got != want {
			t.Errorf("%q: %q, want %q", address, got, want)
		}
	}
}
