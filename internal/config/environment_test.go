package config_test

import (
	"maps"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wecomq/wecomq/internal/config"
)

func TestEnvironmentMakesOneApp(t *testing.T) {
	dir := write(t, map[string]string{"secret.txt": "s3cret\n"})
	t.Chdir(t.TempDir())
	base := map[string]string{"WECOM_CORP_ID": "ww0123456789abcdef", "WECOM_AGENT_ID": "1000002"}
	tests := map[string]struct {
		env    map[string]string
		change func(*config.Config)
		err    string
	}{
		"with the defaults":       {map[string]string{"WECOM_SECRET": "s3cret"}, func(*config.Config) {}, ""},
		"with a secret in a file": {map[string]string{"WECOM_SECRET_FILE": filepath.Join(dir, "secret.txt"), "WECOM_SECRET": ""}, func(*config.Config) {}, ""},
		"with other addresses": {
			map[string]string{"WECOM_SECRET": "s3cret", "REDIS_URL": "unix:///run/r.sock", "REDIS_DURABILITY": "replica", "WECOM_API_BASE_URL": "http://127.0.0.1:8090"},
			func(c *config.Config) {
				c.Redis.URL, c.Redis.AwaitReplica = "unix:///run/r.sock", true
				c.Apps["default"].APIBaseURL = "http://127.0.0.1:8090"
			}, "",
		},
		"with a secret that is not expanded": {
			map[string]string{"WECOM_SECRET": "a${b}"},
			func(c *config.Config) { c.Apps["default"].Secret = "a${b}" }, "",
		},
		"with a secret that an editor of Windows has marked": {
			map[string]string{"WECOM_SECRET": "\ufeffs3cret\r\n"}, func(*config.Config) {}, "",
		},
		"but not with a secret of two lines": {map[string]string{"WECOM_SECRET": "s3cret\nother"}, nil, "WECOM_SECRET: more than one line"},
		"but not without a secret":           {nil, nil, "WECOM_SECRET: missing"},
		"but not with two secrets":           {map[string]string{"WECOM_SECRET": "a", "WECOM_SECRET_FILE": "b"}, nil, "WECOM_SECRET_FILE: set together with WECOM_SECRET: keep one of the two"},
		"but not with a bad agent id":        {map[string]string{"WECOM_SECRET": "a", "WECOM_AGENT_ID": "ops"}, nil, `WECOM_AGENT_ID: "ops" is not a positive number such as 1000002`},
		"but not with a bad key":             {map[string]string{"WECOM_SECRET": "a", "REDIS_ENCRYPTION_KEY": "hunter2"}, nil, "REDIS_ENCRYPTION_KEY: key 1 is not base64; make one with: openssl rand -base64 32"},
		"but not with a bad Redis":           {map[string]string{"WECOM_SECRET": "a", "REDIS_URL": "h:6379"}, nil, "REDIS_URL: no scheme (want something like redis://127.0.0.1:6379/0)"},
	}
	for name, tt := range tests { //nolint:paralleltest // t.Chdir forbids it
		t.Run(name, func(t *testing.T) {
			env := maps.Clone(base)
			maps.Copy(env, tt.env)
			cfg, err := config.Load("", environment(env))
			if tt.err != "" {
				if err == nil || err.Error() != tt.err {
					t.Errorf("Load = %v\nwant %s", err, tt.err)
				}
				return
			}
			want := documented("default")
			tt.change(want)
			if diff := cmp.Diff(want, cfg); diff != "" || err != nil {
				t.Errorf("Load error %v (-want +got):\n%s", err, diff)
			}
		})
	}
}
