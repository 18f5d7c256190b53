//go:build unix

package worker_test

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/durability"
	"github.com/wecomq/wecomq/internal/freeport"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/internal/waittest"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom/wecomtest"
	"github.com/wecomq/wecomq/worker"
)

// siege is a worker under load, with a network before its Redis and its WeCom.
type siege struct {
	*trouble
	server           *redistest.Server
	toRedis, toWeCom *network
	admin            *redis.Conn // open before the trouble
}

// stormRules let the simulator take whatever comes.
func stormRules() wecomtest.Rules {
	return wecomtest.Rules{CallsPerMinute: 10_000_000, Keep: 1_000_000}
}

// scaleOfStorm is how many times a storm is as heavy as the lightest. Without
// WECOMQ_STORM it skips the test.
func scaleOfStorm(t *testing.T) int {
	t.Helper()
	scale := stormScale()
	if scale == 0 {
		t.Skip("SKIPPED: it takes minutes; make storm runs it")
	}
	return scale
}

func newSiege(t *testing.T) *siege {
	t.Helper()
	port := freeport.New(t)
	server := redisServer(t, "bind 127.0.0.1\nport "+port)
	sim, url := newSimulator(t, stormRules())
	toRedis, toWeCom := newNetwork(t, "127.0.0.1:"+port), newNetwork(t, strings.TrimPrefix(url, "http://"))
	client, _ := server.Client().(*redis.Client)
	s := &siege{server: server, toRedis: toRedis, toWeCom: toWeCom, admin: client.Conn()}
	t.Cleanup(func() { _ = s.admin.Close() })
	s.trouble = newTrouble(t, server.Client(), "redis://"+toRedis.addr(), sim, "http://"+toWeCom.addr())
	s.app = stormy(s.app)
	return s
}

// do is a command that works also when Redis takes no more connections.
func (s *siege) do(args ...any) {
	s.Helper()
	if err := s.admin.Do(s.Context(), args...).Err(); err != nil {
		s.Errorf("%v: %v", args, err)
	}
}

func (s *siege) fault(f wecomtest.Fault) {
	s.Helper()
	f.API = message.APISend
	if err := s.sim.AddFault(f); err != nil {
		s.Fatal(err)
	}
}

// blow is a fault, how long it lasts, and how often it strikes for each unit of scale.
type blow struct {
	strike, heal func(*siege)
	lasts        time.Duration
	times        int
}

func spoilRedis(toxic, attributes string) blow {
	return blow{
		strike: func(s *siege) { s.toRedis.spoil(toxic, attributes) },
		heal:   func(s *siege) { s.toRedis.restore() }, lasts: time.Second, times: 1,
	}
}

func spoilWeCom(toxic, attributes string) blow {
	return blow{
		strike: func(s *siege) { s.toWeCom.spoil(toxic, attributes) },
		heal:   func(s *siege) { s.toWeCom.restore() }, lasts: 3 * time.Second,
	}
}

func answer(f wecomtest.Fault) blow {
	return blow{
		strike: func(s *siege) { s.fault(f) }, heal: func(s *siege) { s.sim.ClearFaults() }, lasts: 3 * time.Second,
	}
}

func nothing(*siege) {}

// blows are the faults of the storm; each is a storm of its own.
func blows() map[string]blow {
	return map[string]blow{
		"Redis is killed": {strike: func(s *siege) { s.server.Restart() }, heal: nothing, times: 5},
		"Redis is paused": {
			strike: func(s *siege) { s.server.Freeze() }, heal: func(s *siege) { s.server.Thaw() }, lasts: 4 * time.Second,
		},
		"Redis is full": {
			strike: func(s *siege) { s.do("config", "set", "maxmemory", "1") },
			heal:   func(s *siege) { s.do("config", "set", "maxmemory", "0") }, lasts: time.Second, times: 1,
		},
		"Redis is out of connections": {
			strike: func(s *siege) {
				s.do("config", "set", "maxclients", "1")
				s.do("client", "kill", "type", "normal", "skipme", "yes")
			},
			heal: func(s *siege) { s.do("config", "set", "maxclients", "1000") }, lasts: time.Second, times: 1,
		},
		"Redis forgets its scripts": {strike: func(s *siege) { s.do("script", "flush") }, heal: nothing, times: 10},
		"Redis is cut off": {
			strike: func(s *siege) { s.toRedis.cut() }, heal: func(s *siege) { s.toRedis.start() }, lasts: time.Second, times: 1,
		},
		"Redis is far away": {
			strike: func(s *siege) { s.toRedis.spoilBoth("latency", `{"latency":60,"jitter":40}`) },
			heal:   func(s *siege) { s.toRedis.restore() }, lasts: time.Second, times: 1,
		},
		"WeCom is far away": {
			strike: func(s *siege) { s.toWeCom.spoilBoth("latency", `{"latency":250,"jitter":200}`) },
			heal:   func(s *siege) { s.toWeCom.restore() }, lasts: 3 * time.Second,
		},
		"Redis is slow":                  spoilRedis("latency", `{"latency":100,"jitter":50}`),
		"replies of Redis break off":     spoilRedis("limit_data", `{"bytes":1500}`),
		"replies of Redis are swallowed": spoilRedis("timeout", `{"timeout":0}`),
		"WeCom is slow":                  answer(wecomtest.Fault{Delay: wecomtest.Duration(time.Second)}),
		"WeCom hangs":                    answer(wecomtest.Fault{Hang: true}),
		"WeCom answers too late":         answer(wecomtest.Fault{Delay: wecomtest.Duration(time.Minute), After: true}),
		"WeCom resets connections":       spoilWeCom("reset_peer", `{"timeout":0}`),
		"WeCom's answers break off":      spoilWeCom("limit_data", `{"bytes":100}`),
		"WeCom is away":                  {strike: func(s *siege) { s.toWeCom.cut() }, heal: func(s *siege) { s.toWeCom.start() }, lasts: 3 * time.Second},
	}
}

// TestAStormOfFaults sends 600 messages times WECOMQ_STORM through each fault.
func TestAStormOfFaults(t *testing.T) { //nolint:paralleltest // each storm has the machine for itself
	scale := scaleOfStorm(t)
	for name, b := range blows() { //nolint:paralleltest // each storm has the machine for itself
		t.Run(name, func(t *testing.T) { newSiege(t).endure(b, scale) })
	}
}

func (s *siege) endure(b blow, scale int) {
	s.Helper()
	s.work()
	load, strikes := s.load("redis://"+s.toRedis.addr(), 8), max(1, b.times*scale)
	for range strikes {
		load.more(600 * scale / (strikes + 1))
		b.strike(s)
		<-time.After(b.lasts)
		b.heal(s)
	}
	load.more(600 * scale / (strikes + 1))
	load.end()
	s.settle(load)
	s.Logf("%d times", strikes)
}

// settle waits until everything is done, and checks the books.
func (tr *trouble) settle(l *load) {
	tr.Helper()
	tr.lose()
	tr.awaitWithin(stormPatience)
	tr.booksBalance(l)
}

// stormVictim is a worker process that works until it is killed. It says when it begins to.
func stormVictim(socket, wecomURL string) {
	rdb := redis.NewClient(&redis.Options{Network: "unix", Addr: socket})
	app, err := makeApp(rdb, wecomURL, callTimeout)
	if err != nil {
		panic(err)
	}
	began := sync.OnceFunc(func() { _, _ = os.Stdout.WriteString("the first message\n") })
	w, err := worker.New(worker.Config{
		Redis: rdb, Apps: []worker.App{stormy(app)}, OnDequeued: func(string, tasks.Priority, time.Duration) { began() },
	})
	if err != nil {
		panic(err)
	}
	if err := w.Run(context.Background()); err != nil {
		panic(err)
	}
}

const (
	// dieTogether is how many workers of a storm are killed at the same moment.
	dieTogether = 10
	// sentByEach is how many messages they have sent by then, on average.
	sentByEach = 10
)

// TestAStormOfKills kills a hundred worker processes times WECOMQ_STORM, ten at a time, each
// after it has begun to send.
func TestAStormOfKills(t *testing.T) { //nolint:paralleltest // each storm has the machine for itself
	kills := 100 * scaleOfStorm(t)
	server := redisServer(t)
	rules := stormRules()
	rules.Latency = wecomtest.Duration(20 * time.Millisecond) // so that they die in the middle of calls
	sim, url := newSimulator(t, rules)
	tr := newTrouble(t, server.Client(), server.URL(), sim, url)
	tr.app = stormy(tr.app)
	load := tr.load(server.URL(), 8)
	orphans := map[string]bool{}
	for range kills / dieTogether {
		tr.killSome(server.Addr, url)
		for _, id := range tr.orphan() {
			orphans[id] = true
		}
	}
	load.end()
	tr.settle(load)
	t.Logf("%d kills with %d messages in hand", kills, len(orphans))
}

// killSome lets worker processes send messages, and kills them.
func (tr *trouble) killSome(socket, wecomURL string) {
	tr.Helper()
	enough := tr.sim.Stats().Delivered + dieTogether*sentByEach
	var victims [dieTogether]*exec.Cmd
	var working atomic.Int64
	for i := range victims {
		victims[i] = tr.victim(socket, wecomURL, func() { working.Add(1) })
	}
	waittest.Until(tr.T, "all victims have begun to send", func() bool {
		return working.Load() == dieTogether && tr.sim.Stats().Delivered >= enough
	})
	for _, victim := range victims {
		_ = victim.Process.Kill()
	}
	for _, victim := range victims {
		_ = victim.Wait()
	}
}

// victim starts a worker process; began is called when that has its first message.
func (tr *trouble) victim(socket, wecomURL string, began func()) *exec.Cmd {
	tr.Helper()
	self, err := os.Executable()
	if err != nil {
		tr.Fatal(err)
	}
	cmd := exec.CommandContext(tr.Context(), self)
	cmd.Env = append(os.Environ(), "WECOMQ_TEST_VICTIM="+pointAny, "WECOMQ_TEST_REDIS="+socket, "WECOMQ_TEST_WECOM="+wecomURL)
	output, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		tr.Fatal(err)
	}
	go func() {
		if _, err := output.Read(make([]byte, 1)); err == nil {
			began()
		}
	}()
	return cmd
}

// orphan lets so much time pass that asynq and the ledger take the workers that were just
// killed for dead, and returns the messages that they had in hand.
func (tr *trouble) orphan() []string {
	tr.Helper()
	ctx, leases, past := tr.Context(), "asynq:{ops:default}:lease", time.Now().Add(-time.Hour)
	ids := tr.rdb.ZRangeArgs(ctx, redis.ZRangeArgs{Key: leases, ByScore: true, Start: time.Now().Unix(), Stop: "+inf"}).Val()
	_, err := tr.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, id := range ids {
			p.ZAddXX(ctx, leases, redis.Z{Score: float64(past.Unix()), Member: id})
			agedScript.Eval(ctx, p, []string{recordKey(id)}, past.UnixMilli())
		}
		return nil
	})
	if err != nil {
		tr.Fatal(err)
	}
	return ids
}

// agedScript makes an attempt that is under way an old one.
var agedScript = redis.NewScript(`
if redis.call('HGET', KEYS[1], 'state') == 'sending' then
  redis.call('HSET', KEYS[1], 'attempt_at', ARGV[1])
end
return 1`)

// TestAStormOfMovingSlots moves the slots of the app and of its queue under load, again
// and again.
func TestAStormOfMovingSlots(t *testing.T) { //nolint:paralleltest // each storm has the machine for itself
	scale := scaleOfStorm(t)
	for _, key := range []string{"asynq:{ops:default}:pending", "wecomq:{ops}:pace"} { //nolint:paralleltest // each storm has the machine for itself
		t.Run(key, func(t *testing.T) {
			cluster := redistest.StartCluster(t, redistest.AppendOnly)
			sim, url := newSimulator(t, stormRules())
			tr := newTrouble(t, cluster.Client(), cluster.URL(), sim, url)
			tr.app = stormy(tr.app)
			tr.work()
			load := tr.load(cluster.URL(), 8)
			load.more(100 * scale)
			cluster.Migrate(key)()
			load.more(100 * scale)
			load.end()
			tr.settle(load)
		})
	}
}

// failover is a Redis with a replica, and what makes that take over.
type failover struct {
	url      string
	master   *redistest.Server
	heir     redis.UniversalClient // the replica
	survivor redis.UniversalClient // whoever has the data
}

func bySentinel(t *testing.T) failover {
	t.Helper()
	a, b := freeport.New(t), freeport.New(t)
	lines := "bind 127.0.0.1\nrequirepass pw\nmasterauth pw\nrepl-diskless-sync-delay 0\nport "
	master, replica := redisServer(t, lines+a), redisServer(t, lines+b, "replicaof 127.0.0.1 "+a)
	heir := redis.NewClient(&redis.Options{Network: "unix", Addr: replica.Addr, Password: "pw"})
	t.Cleanup(func() { _ = heir.Close() })
	awaitReplication(t, heir, "master_link_status:up")
	sentinel := redistest.StartSentinel(t, "sentinel monitor m 127.0.0.1 "+a+" 1", "sentinel auth-pass m pw",
		"sentinel down-after-milliseconds m 1000", "sentinel failover-timeout m 10000", "requirepass s3cret")
	asked := redis.NewSentinelClient(&redis.Options{Addr: sentinel, Password: "s3cret"})
	t.Cleanup(func() { _ = asked.Close() })
	waittest.Until(t, "Sentinel knows the replica", func() bool {
		known, err := asked.Replicas(t.Context(), "m").Result()
		return err == nil && len(known) == 1
	})
	return failover{url: "redis-sentinel://:s3cret@" + sentinel + "?master_name=m&password=pw", master: master, heir: heir, survivor: heir}
}

func byCluster(t *testing.T) failover {
	t.Helper()
	cluster := redistest.StartCluster(t, redistest.AppendOnly)
	master, replica := cluster.Of("asynq:{ops:default}:pending")
	return failover{url: cluster.URL(), master: master, heir: replica.Client(), survivor: cluster.Client()}
}

// awaitReplication waits until a Redis says so of its replication.
func awaitReplication(t *testing.T, rdb redis.UniversalClient, what string) {
	t.Helper()
	waittest.Within(t, stormPatience, what, func() bool { return strings.Contains(rdb.Info(t.Context(), "replication").Val(), what) })
}

// TestAStormOfFailovers kills a master under load. Replication is asynchronous: the test tells
// what that cost, which docs/semantics.md quotes, and that nothing else did. With
// `durability: replica` it costs nothing, and the old master comes back at once.
func TestAStormOfFailovers(t *testing.T) { //nolint:paralleltest // each storm has the machine for itself
	scale := scaleOfStorm(t)
	for name, set := range map[string]func(*testing.T) failover{"by Sentinel": bySentinel, "by Cluster": byCluster} { //nolint:paralleltest // each storm has the machine for itself
		for durable, safe := range map[string]bool{"durability: primary": false, "durability: replica": true} {
			t.Run(name+", "+durable, func(t *testing.T) {
				f := set(t)
				sim, url := newSimulator(t, stormRules())
				tr := newTrouble(t, f.survivor, f.url, sim, url)
				tr.app = stormy(tr.app)
				tr.failOver(f, 200*scale, safe)
			})
		}
	}
}

// failOver kills the master between two times so many messages, and checks that all are there.
func (tr *trouble) failOver(f failover, messages int, safe bool) {
	tr.Helper()
	var prepare []func(redis.UniversalClient)
	if safe {
		prepare = append(prepare, durability.Require)
		durability.Require(tr.redis)
	}
	tr.work()
	load := tr.load(f.url, 8, prepare...)
	load.more(messages)
	f.master.Kill()
	awaitReplication(tr.T, f.heir, "role:master")
	tookOver := time.Now()
	if safe { // nothing is confirmed until there is a replica again
		f.master.Restart() // at once, so that it finds clients who have not heard of the new one
		awaitReplication(tr.T, f.heir, "state=online")
	}
	load.more(messages)
	load.end()
	tr.lose()
	tr.awaitWithin(stormPatience)
	b := tr.books(load)
	tr.Logf("%s; %s until as many were sent again", b, time.Since(tookOver).Round(time.Second))
	for member, what := range b.lost {
		before := tookOver.Sub(load.ackedAt[member]).Round(time.Millisecond)
		tr.Logf("acknowledged %s before the replica took over: %s", before, what)
		if safe || before <= 0 || !tr.isForgotten(load.acked[member]) {
			tr.Errorf("lost, and not for want of replication: %s", what)
		}
	}
	if inFlight := 2 * 16; len(b.lost) > inFlight || len(b.unmarked) > inFlight || safe && len(b.unmarked) > 0 {
		tr.Errorf("lost %d, doubled unmarked %v; want no more than what was under way", len(b.lost), b.unmarked)
	}
}
