// These tests keep the Dockerfile, docker-compose.yml and the files in deploy in step with the program that they run.
package main_test

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/wecom"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

// service has the checked properties of a service of docker-compose.yml.
type service struct {
	Build       string            `yaml:"build"`
	Image       string            `yaml:"image"`
	Command     []string          `yaml:"command"`
	Ports       []string          `yaml:"ports"`
	Volumes     []string          `yaml:"volumes"`
	DependsOn   map[string]any    `yaml:"depends_on"`
	Environment map[string]string `yaml:"environment"`
	StopGrace   string            `yaml:"stop_grace_period"`
	Profiles    []string          `yaml:"profiles"`
	Healthcheck struct {
		Test []string `yaml:"test"`
	} `yaml:"healthcheck"`
}

type compose struct {
	Services map[string]service `yaml:"services"`
	Volumes  map[string]any     `yaml:"volumes"`
	Configs  map[string]struct {
		Content string `yaml:"content"`
	} `yaml:"configs"`
}

func readCompose(t *testing.T) compose {
	t.Helper()
	var file compose
	if err := yaml.Unmarshal(read(t, "docker-compose.yml"), &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Services) == 0 {
		t.Fatal("docker-compose.yml has no services")
	}
	return file
}

// repository is the path of the top folder.
const repository = "../.."

// read reads a file of the repository.
func read(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(repository, path))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// dockerfile returns the arguments of each use of an instruction in the Dockerfile.
func dockerfile(t *testing.T, instruction string) []string {
	t.Helper()
	var rest []string
	for _, match := range regexp.MustCompile(`(?m)^`+instruction+` (.+)$`).FindAllStringSubmatch(string(read(t, "Dockerfile")), -1) {
		rest = append(rest, match[1])
	}
	if rest == nil {
		t.Fatalf("the Dockerfile has no %s", instruction)
	}
	return rest
}

func TestComposeIsConsistent(t *testing.T) {
	t.Parallel()
	file := readCompose(t)
	pinned := regexp.MustCompile(`^[a-z0-9./-]+:v?\d+\.\d+\.\d+`)
	for name, s := range file.Services {
		if s.Build == "" && !pinned.MatchString(s.Image) {
			t.Errorf("%s: image %q has no exact version", name, s.Image)
		}
		for _, port := range s.Ports {
			if !strings.HasPrefix(port, "127.0.0.1:") {
				t.Errorf("%s: port %s is published beyond loopback", name, port)
			}
		}
		for other := range s.DependsOn {
			if _, ok := file.Services[other]; !ok {
				t.Errorf("%s: depends on %s, which does not exist", name, other)
			}
		}
		for _, volume := range s.Volumes {
			source, _, _ := strings.Cut(volume, ":")
			if strings.HasPrefix(source, "./") {
				read(t, source)
			} else if !slices.Contains(slices.Collect(maps.Keys(file.Volumes)), source) {
				t.Errorf("%s: volume %s is not declared", name, source)
			}
		}
	}
}

func TestComposeRedisLosesNothingAndIsClosed(t *testing.T) {
	t.Parallel()
	file := readCompose(t)
	for _, want := range []string{"appendonly yes", "maxmemory-policy noeviction", "maxmemory ", "requirepass ${REDIS_PASSWORD:?"} {
		if !strings.Contains(file.Configs["redis"].Content, want) {
			t.Errorf("redis runs with %q, want %s", file.Configs["redis"].Content, want)
		}
	}
	if redis := file.Services["redis"]; len(redis.Ports) > 0 || !slices.Equal(redis.Command, []string{"redis-server", "/etc/redis.conf"}) {
		t.Errorf("redis publishes %v and runs %q", redis.Ports, redis.Command)
	}
}

// The file that the wecomq service mounts, together with its environment, is a complete configuration, with the
// values that the comment of docker-compose.yml gives for the simulator.
func TestComposeConfiguresTheSimulator(t *testing.T) {
	t.Parallel()
	comment := string(read(t, "docker-compose.yml"))
	env := map[string]string{"WECOMQ_TOKEN_SHA256": strings.Repeat("0a", 32), "REDIS_PASSWORD": "secret"}
	for _, match := range regexp.MustCompile(`\b(WECOM_[A-Z_]+)=(\S+)`).FindAllStringSubmatch(comment, -1) {
		env[match[1]] = match[2]
	}
	wecomq := readCompose(t).Services["wecomq"]
	passed := map[string]string{}
	for name, value := range wecomq.Environment {
		passed[name] = os.Expand(value, func(ref string) string { return env[strings.SplitN(ref, ":", 2)[0]] })
	}
	mounted, target, _ := strings.Cut(wecomq.Volumes[0], ":")
	if passed["WECOMQ_CONFIG"] != strings.TrimSuffix(target, ":ro") {
		t.Errorf("WECOMQ_CONFIG is %s, but the config is mounted at %s", passed["WECOMQ_CONFIG"], target)
	}

	cfg, err := config.Load(filepath.Join(repository, mounted), func(name string) (string, bool) { value, ok := passed[name]; return value, ok })
	if err != nil {
		t.Fatal(err)
	}

	app, err := cfg.App("")
	if err != nil {
		t.Fatal(err)
	}
	got := []string{app.CorpID, app.AgentID, string(app.Secret), app.APIBaseURL, string(cfg.Redis.URL)}
	want := []string{wecomtest.CorpID, strconv.Itoa(wecomtest.AgentID), wecomtest.Secret, "http://simulator:8090", "redis://:secret@redis:6379/0"}
	if !slices.Equal(got, want) {
		t.Errorf("configuration = %q, want %q", got, want)
	}
	if len(cfg.Gateway.Tokens) != 1 || !slices.Contains(cfg.Gateway.Tokens[0].Scopes, config.ScopeSend) {
		t.Errorf("tokens = %v, want one that may send", cfg.Gateway.Tokens)
	}
	if _, port, _ := strings.Cut(cfg.Gateway.Listen, ":"); !slices.Contains(wecomq.Ports, "127.0.0.1:"+port+":"+port) {
		t.Errorf("the gateway listens on %s, but %s is published", cfg.Gateway.Listen, wecomq.Ports)
	}
}

func TestComposeRunsTheSimulatorOnlyWhenAsked(t *testing.T) {
	t.Parallel()
	for name, s := range readCompose(t).Services {
		if want := name == "simulator"; slices.Contains(s.Profiles, "simulator") != want {
			t.Errorf("%s has the profiles %v", name, s.Profiles)
		}
	}
}

// longestCall is how long a stopping worker waits, with the default timeout: a service manager that kills it
// earlier makes outcomes unknown.
const longestCall = 4*wecom.DefaultTimeout + 10*time.Second

func TestComposeLetsCallsFinish(t *testing.T) {
	t.Parallel()
	if grace, err := time.ParseDuration(readCompose(t).Services["wecomq"].StopGrace); err != nil || grace <= longestCall {
		t.Errorf("stop_grace_period is %s, want more than %s (%v)", grace, longestCall, err)
	}
}

func TestImageIsBuiltWithTheGoOfTheModule(t *testing.T) {
	t.Parallel()
	version := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindSubmatch(read(t, "go.mod"))
	if from := dockerfile(t, "FROM")[0]; version == nil || !strings.Contains(from, " golang:"+string(version[1])+".") {
		t.Errorf("the image is built FROM %s, want the Go of go.mod: %s", from, version)
	}
}

func TestImageDoesNotRunAsRoot(t *testing.T) {
	t.Parallel()
	user := dockerfile(t, "USER")[0]
	if uid, err := strconv.Atoi(strings.SplitN(user, ":", 2)[0]); err != nil || uid == 0 {
		t.Errorf("USER %s, want a number other than 0: Kubernetes refuses names", user)
	}
}

// Every command that the image and the services run must exist in the binary.
func TestCommandsExist(t *testing.T) {
	t.Parallel()
	var commands [][]string
	for name, s := range readCompose(t).Services {
		if s.Build != "" {
			commands = append(commands, s.Command)
			t.Logf("%s: %q", name, s.Command)
			if test := s.Healthcheck.Test; len(test) > 2 { // CMD /wecomq …
				commands = append(commands, test[2:])
			}
		}
	}
	for _, text := range append(dockerfile(t, "CMD"), regexp.MustCompile(`^.* CMD `).ReplaceAllString(dockerfile(t, "HEALTHCHECK")[0], "")) {
		var command []string
		if err := json.Unmarshal([]byte(text), &command); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		commands = append(commands, slices.DeleteFunc(command, func(arg string) bool { return arg == "/wecomq" }))
	}
	for _, pod := range pods(t) {
		commands = append(commands, pod.Containers[0].Args)
	}
	commands = append(commands, strings.Fields(unit(t)["ExecStart"][0])[1:])
	binary := program(t)
	for _, command := range commands {
		run(t, binary, append(command, "--help")...) // parses the preceding flags
	}
}

// program returns the path of the program, which TestMain has put into PATH.
func program(t *testing.T) (binary string) {
	t.Helper()
	binary, err := exec.LookPath("wecomq")
	if err != nil {
		t.Fatal(err)
	}
	return binary
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if output, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput(); err != nil {
		t.Errorf("%s %q: %v\n%s", name, args, err, output)
	}
}
