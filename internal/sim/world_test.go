package sim_test

import (
	"context"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/wecomq/wecomq/internal/tokenstore"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
	"github.com/wecomq/wecomq/wecom/wecomtest"
	"github.com/wecomq/wecomq/worker"
)

// appNames are the apps of every world.
var appNames = [...]string{"ops", "hr"}

const corpID, secret = "ww0123456789abcdef", "simulator-secret"

// agentOf is the agent id of the n-th app, and agentID that of a named one.
func agentOf(n int) int64 { return int64(1_000_002 + n) }

func agentID(app string) string { return strconv.FormatInt(agentOf(appIndex(app)), 10) }

// world is the environment of a run.
type world struct {
	*testing.T

	seed   uint64
	rng    *rand.Rand // of the workload and of the faults, drawn by one goroutine
	redis  *miniredis.Miniredis
	wecom  *wecomtest.Simulator
	door   *listener
	limits tasks.Limits
	own    *redis.Client // of the run itself, without faults
	began  time.Time
	log    zerolog.Logger
	faults []wecomtest.FaultStatus // of WeCom, after they are over

	mu         sync.Mutex
	processes  []*process    // of living workers
	wecomBack  time.Time     // when WeCom becomes reachable again
	sent       []confirmed   // so far
	broadcasts []*running    // so far
	steps      []step        // of Redis's clock
	changed    chan struct{} // closed after a change in Redis
	stirring   bool          // it is about to be closed
	expired    time.Time     // when keys last expired
	ahead      time.Duration // of Redis's clock
	config     served
	absences   []absence // so far
	pulse      pulse
}

// newWorld draws the limits and the time of day, for a plan of that size.
func newWorld(t *testing.T, seed uint64, s size) *world {
	t.Helper()
	w := &world{
		T: t, seed: seed, rng: rand.New(rand.NewPCG(seed, 1)), redis: miniredis.NewMiniRedis(), door: newListener(),
		limits: tasks.DefaultLimits(), log: zerolog.Nop(), changed: make(chan struct{}), config: served{concurrency: 3},
	}
	pass(time.Until(w.start(s)))
	w.began = time.Now()
	w.expired = w.began
	if w.rng.IntN(3) == 0 {
		w.limits.CallsPerMinute = 20 + w.rng.IntN(40)
	}
	if w.rng.IntN(4) == 0 {
		w.limits.MemberPerMinute, w.limits.MemberPerHour = 3+w.rng.IntN(4), 15+w.rng.IntN(20)
	}
	w.serveWeCom()
	w.own = w.client(newNetwork(nil), nil)
	t.Cleanup(func() { _ = w.own.Close() })
	return w
}

// tight reports whether members or a day have limits that some messages exceed.
func (w *world) tight() bool {
	return w.limits.Seats > 0 || w.limits.MemberPerMinute < tasks.DefaultLimits().MemberPerMinute
}

// start is when the run begins: half of the runs shortly before midnight in China, with a day quota.
func (w *world) start(s size) time.Time {
	day := time.Date(2026, time.March, 1+w.rng.IntN(28), 0, 0, 0, 0, time.FixedZone("China", 8*60*60))
	if w.rng.IntN(2) == 0 {
		w.limits.Seats = s.seats
		return day.Add(-time.Duration(1+w.rng.IntN(10)) * time.Minute)
	}
	return day.Add(time.Duration(w.rng.IntN(20*60)) * time.Minute)
}

func (w *world) serveWeCom() {
	var apps []wecomtest.App
	for n := range appNames {
		apps = append(apps, wecomtest.App{CorpID: corpID, AgentID: agentOf(n), Secret: secret + strconv.Itoa(n)})
	}
	sim, err := wecomtest.New(wecomtest.Rules{
		Apps: apps, CallsPerMinute: w.limits.CallsPerMinute, Seats: w.limits.Seats,
		MemberPerMinute: w.limits.MemberPerMinute, MemberPerHour: w.limits.MemberPerHour, Invisible: []string{"nobody"},
		Unlicensed: []string{"u7"}, Latency: wecomtest.Duration(20 * time.Millisecond), Jitter: wecomtest.Duration(100 * time.Millisecond),
	})
	if err != nil {
		w.Fatal(err)
	}
	w.wecom = sim
	server := &http.Server{Handler: sim, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(w.door) }()
	w.Cleanup(func() { _ = server.Close() })
}

// client connects to Redis over a network; p is its worker process, if any.
func (w *world) client(n *network, p *process) *redis.Client {
	rdb := redis.NewClient(&redis.Options{
		Addr: "127.0.0.1:6379", ContextTimeoutEnabled: true, PoolSize: 64, Protocol: 2,
		Dialer: n.dialer(true, func() (net.Conn, error) { return w.redis.Dial() }),
	})
	rdb.AddHook(watch{w, p})
	return rdb
}

// process is a worker that may die.
type process struct {
	worker   *worker.Worker
	clients  map[string]*wecom.Client
	network  *network
	began    time.Time
	stop     context.CancelFunc
	stopping <-chan struct{}
	ended    chan struct{}
}

// startWorker starts a worker process.
func (w *world) startWorker(faults map[int]outcome) *process {
	ctx, cancel := context.WithCancel(context.Background())
	p := &process{
		network: newNetwork(faults), began: time.Now(), stop: cancel, stopping: ctx.Done(), ended: make(chan struct{}),
		clients: map[string]*wecom.Client{},
	}
	rdb, transport := w.client(p.network, p), w.transport(p.network)
	for _, name := range appNames {
		client, err := w.wecomClient(name, rdb, transport)
		w.must(err)
		p.clients[name] = client
	}
	w.mu.Lock()
	running, err := worker.New(worker.Config{Redis: rdb, Logger: w.log, Apps: p.apps(w)})
	w.must(err)
	p.worker = running
	w.processes = append(w.processes, p)
	if away := time.Until(w.wecomBack); away > 0 {
		p.network.disconnect(false, away)
	}
	w.mu.Unlock()
	go func() {
		defer close(p.ended)
		_ = running.Run(ctx)
		w.mu.Lock()
		w.processes = slices.DeleteFunc(w.processes, func(other *process) bool { return other == p })
		w.mu.Unlock()
		transport.CloseIdleConnections()
		_ = rdb.Close()
		p.network.sever()
	}()
	return p
}

// served is the present config.
type served struct {
	concurrency int
	without     string // an app that it does not have
}

// apps are those that a worker process serves. The caller holds the mutex of the world.
func (p *process) apps(w *world) (apps []worker.App) {
	for _, name := range appNames {
		if name == w.config.without {
			continue
		}
		apps = append(apps, worker.App{
			Name: name, AgentID: agentID(name), Sender: p.clients[name], Concurrency: w.config.concurrency, Limits: w.limits,
		})
	}
	return apps
}

// transport connects to WeCom over a network.
func (w *world) transport(n *network) *http.Transport {
	transport := wecom.NewTransport(nil, 8)
	transport.Proxy, transport.DialContext = nil, n.dialer(false, w.door.dial)
	return transport
}

// wecomClient calls WeCom for an app.
func (w *world) wecomClient(app string, rdb *redis.Client, transport *http.Transport) (*wecom.Client, error) {
	its := wecom.Secret(secret + strconv.Itoa(appIndex(app)))
	return wecom.NewClient(wecom.Config{
		CorpID: corpID, Secret: its, BaseURL: "http://wecom", Transport: transport, TokenStore: tokenstore.New(rdb, app, corpID, its),
	})
}

func appIndex(name string) int { return slices.Index(appNames[:], name) }
