package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/wecomq/wecomq/internal/redisconn"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/internal/waittest"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

// TestScript runs testdata/script. Each script starts in an empty directory, with an environment that configures
// the app "default" of its own simulated WeCom, and with a Redis that does not run until the command `redis`.
func TestScript(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireUniqueNames:  true,
		RequireExplicitExec: true,
		Setup:               setUpScript,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"run": runHere, "exits": exits, "redis": runRedis, "field": field, "repeat": repeat, "await-state": awaitState,
		},
	})
}

// testingTB is the key of a script's testing.TB.
type testingTB struct{}

func setUpScript(env *testscript.Env) error {
	tb, ok := env.T().(testing.TB)
	if !ok {
		return fmt.Errorf("%T is no testing.TB", env.T())
	}
	env.Values[testingTB{}] = tb
	takeTurn(tb)
	sim, err := wecomtest.New(wecomtest.Rules{Invisible: []string{"left.company"}})
	if err != nil {
		return err
	}
	server := httptest.NewServer(sim)
	env.Defer(server.Close)
	for name, value := range appVariables(server.URL, "unix://"+env.WorkDir+"/no-redis") {
		env.Setenv(name, value)
	}
	return nil
}

// appVariables configure the simulator's app under the name "default".
func appVariables(simulatorURL, redisURL string) map[string]string {
	return map[string]string{
		"WECOM_CORP_ID":      wecomtest.CorpID,
		"WECOM_AGENT_ID":     strconv.Itoa(wecomtest.AgentID),
		"WECOM_SECRET":       wecomtest.Secret,
		"WECOM_API_BASE_URL": simulatorURL,
		"REDIS_URL":          redisURL,
	}
}

// runHere runs the command in this process: `run wecomq send --text hello`. A separate process takes a hundred
// times longer to start under the race detector; `exec wecomq` is for commands that read files or stdin, or wait
// for a signal.
func runHere(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) == 0 || args[0] != "wecomq" {
		ts.Fatalf("usage: run wecomq args...")
	}
	if code := commandHere(ts, args[1:]); (code != 0) != neg {
		ts.Fatalf("exit code %d", code)
	}
}

// commandHere returns the exit code.
func commandHere(ts *testscript.TestScript, args []string) int {
	tb, _ := ts.Value(testingTB{}).(testing.TB)
	lookupEnv := func(name string) (string, bool) {
		value := ts.Getenv(name)
		return value, value != ""
	}
	return run(tb.Context(), args, environment{strings.NewReader(""), ts.Stdout(), ts.Stderr(), lookupEnv, nil, func() {}})
}

// exits runs a command that must end with this exit code: `exits 2 wecomq send`, or in a separate process `exits
// 2 exec wecomq send`.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: exits code [exec] wecomq args...")
	}
	got, process := 0, args[1] == "exec"
	if process {
		err := ts.Exec(args[2], args[3:]...)
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			got = exit.ExitCode()
		} else {
			ts.Check(err)
		}
	} else {
		got = commandHere(ts, args[2:])
	}
	if strconv.Itoa(got) != args[0] {
		ts.Fatalf("exit code %d, want %s", got, args[0])
	}
}

// runRedis starts the script's own Redis: `redis`, or `redis single` where one server is asked for its settings. With
// other arguments it runs a command: `redis config set appendonly yes`.
func runRedis(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("usage: redis [command...]")
	}
	tb, _ := ts.Value(testingTB{}).(testing.TB)
	switch {
	case len(args) == 0:
		ts.Setenv("REDIS_URL", redistest.NewURL(tb))
		return
	case args[0] == "single":
		ts.Setenv("REDIS_URL", redistest.Start(tb).URL())
		return
	}
	client := openRedis(ts)
	defer func() { _ = client.Close() }()
	words := make([]any, len(args))
	for i, word := range args {
		words[i] = word
	}
	reply, err := client.Do(tb.Context(), words...).Result()
	ts.Check(err)
	_, _ = fmt.Fprintln(ts.Stdout(), reply)
}

// field stores a member of the JSON on stdout in a variable: `field id ID`.
func field(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: field member variable")
	}
	var members map[string]any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &members))
	value, ok := members[args[0]]
	if !ok {
		ts.Fatalf("stdout has no %q", args[0])
	}
	ts.Setenv(args[1], fmt.Sprint(value))
}

// repeat makes a long value: `repeat TEXT 682 汉 ab` is 682 times 汉, then ab.
func repeat(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: repeat variable times text [rest]")
	}
	times, err := strconv.Atoi(args[1])
	ts.Check(err)
	ts.Setenv(args[0], strings.Repeat(args[2], times)+strings.Join(args[3:], ""))
}

// awaitState waits until a message is in a state, and prints it: `await-state $ID accepted`.
func awaitState(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: await-state id state")
	}
	client := openRedis(ts)
	defer func() { _ = client.Close() }()
	tb, _ := ts.Value(testingTB{}).(testing.TB)
	waittest.Until(tb, args[0]+" is "+args[1], func() bool {
		return string(stored(tb, client, args[:1])[0].State) == args[1]
	})
	ts.Check(ts.Exec("wecomq", "result", args[0]))
	if !strings.Contains(ts.ReadFile("stdout"), `"state":"`+args[1]+`"`) {
		ts.Fatalf("%s is %s in Redis, and the command says otherwise", args[0], args[1])
	}
}

// openRedis connects to the script's own Redis.
func openRedis(ts *testscript.TestScript) redis.UniversalClient {
	client, err := redisconn.Open(ts.Getenv("REDIS_URL"), 1)
	ts.Check(err)
	return client
}
