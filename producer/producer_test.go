package producer_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
)

func text(to, content string) message.SendTextRequest {
	return message.SendTextRequest{
		SendRequestCommon: &message.SendRequestCommon{ToUser: to}, Text: message.TextField{Content: content},
	}
}

func newProducer(tb testing.TB, rdb redis.UniversalClient) *producer.Producer {
	tb.Helper()
	p, err := producer.New(rdb, producer.Config{App: "ops"})
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// stored is the task that a receipt speaks of.
func stored(t *testing.T, rdb redis.UniversalClient, r producer.Receipt, part int) (*asynq.TaskInfo, tasks.Payload) {
	t.Helper()
	info, err := asynq.NewInspectorFromRedisClient(rdb).GetTaskInfo(r.Queue, tasks.PartID(r.ID, part))
	if err != nil {
		t.Fatal(err)
	}
	payload, err := tasks.Decode(info.Type, info.Payload)
	if err != nil {
		t.Fatal(err)
	}
	return info, payload
}

func TestSendPutsTheMessageIntoItsQueue(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	request := text("chen.li", "磁盘满 <93%> & 🔥")
	before := *request.SendRequestCommon
	receipt, err := newProducer(t, rdb).Send(t.Context(), request, producer.Options{Priority: tasks.Critical, ExpiresIn: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	want := producer.Receipt{ID: receipt.ID, App: "ops", Queue: "ops:critical", State: tasks.Queued}
	if diff := cmp.Diff(want, receipt); diff != "" {
		t.Errorf("receipt (-want +got):\n%s", diff)
	}
	info, payload := stored(t, rdb, receipt, 1)
	if info.Type != "message:text" || info.MaxRetry != tasks.MaxAttempts || info.Retention != 24*time.Hour || info.State != asynq.TaskStatePending {
		t.Errorf("task %+v", info)
	}
	const body = `{"touser":"chen.li","msgtype":"text","agentid":"","text":{"content":"磁盘满 <93%> & 🔥"}}`
	if string(payload.Body) != body {
		t.Errorf("body %s, want %s", payload.Body, body)
	}
	if left := time.Until(payload.ExpiresAt); left < 59*time.Minute || left > time.Hour+time.Second { // Redis's clock is known to half a round trip
		t.Errorf("the message expires in %s, want an hour", left)
	}
	if *request.SendRequestCommon != before {
		t.Errorf("the caller's request was changed to %+v", *request.SendRequestCommon)
	}
}

func TestDelayedMessagesAreNeverEarly(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	p := newProducer(t, rdb)
	began := rdb.Time(t.Context()).Val() // not this host's time, which may differ
	at := began.Add(time.Hour).Truncate(time.Second).Add(700 * time.Millisecond)
	for name, options := range map[string]producer.Options{"at": {At: at}, "delay": {Delay: at.Sub(began)}} {
		receipt, err := p.Send(t.Context(), text("a", "x"), options)
		if err != nil || receipt.State != tasks.Scheduled {
			t.Fatalf("%s: receipt %+v, error %v; want state scheduled", name, receipt, err)
		}
		info, _ := stored(t, rdb, receipt, 1)
		// A delay counts from the moment it is sent, by a clock that is known to half a round trip.
		passed := rdb.Time(t.Context()).Val().Sub(began)
		if late := info.NextProcessAt.Sub(at); late < 0 || late > time.Second+passed+passed/2 {
			t.Errorf("%s: the message comes %s after its time, %s after the first was sent", name, late, passed)
		}
	}
	receipt, err := p.Send(t.Context(), text("a", "x"), producer.Options{At: time.Now().Add(-time.Hour)})
	if err != nil || receipt.State != tasks.Queued {
		t.Errorf("a moment that has passed: receipt %+v, error %v; want state queued", receipt, err)
	}
}

func TestAnIdempotencyKeyMakesOneMessage(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	first, err := newProducer(t, rdb).Send(t.Context(), text("a", "x"), producer.Options{IdempotencyKey: "order-1"})
	if err != nil || first.Duplicate {
		t.Fatalf("receipt %+v, error %v", first, err)
	}
	second, err := newProducer(t, rdb).Send(t.Context(), text("a", "x"), producer.Options{IdempotencyKey: "order-1"})
	if err != nil || !second.Duplicate || second.ID != first.ID {
		t.Errorf("receipt %+v, error %v; want a duplicate of %s", second, err, first.ID)
	}
	if n := rdb.LLen(t.Context(), "asynq:{ops:default}:pending").Val(); n != 1 {
		t.Errorf("%d messages are in the queue, want one", n)
	}
}

func TestUnderOneIDAMessageIsThereOnce(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	p := newProducer(t, rdb)
	m := producer.Message{Request: text("chen.li", "x"), ID: tasks.NewID("ops")}
	for range 2 {
		for _, r := range p.SendBatch(t.Context(), []producer.Message{m}) {
			if r.Err != nil || r.Receipt.ID != m.ID {
				t.Errorf("%+v", r)
			}
		}
	}
	if n := rdb.LLen(t.Context(), "asynq:{ops:default}:pending").Val(); n != 1 {
		t.Errorf("%d messages are in the queue, want one", n)
	}
	for _, id := range []string{tasks.NewID("hr"), "nonsense", m.ID + ".2"} {
		m.ID = id
		if r := p.SendBatch(t.Context(), []producer.Message{m})[0]; r.Err == nil || !strings.HasPrefix(r.Err.Error(), "id: ") {
			t.Errorf("id %q: %+v", id, r)
		}
	}
}

func TestTooManyRecipientsAreSplit(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	var users []string
	for i := range 2001 {
		users = append(users, fmt.Sprintf("user%d", i))
	}
	request := text(strings.Join(append(users, "USER7", "user2000"), "|"), "x") // two are named twice
	request.ToParty = strings.Join(numbers(150), "|")
	receipt, err := newProducer(t, rdb).Send(t.Context(), request, producer.Options{})
	if err != nil || receipt.Parts != 3 {
		t.Fatalf("receipt %+v, error %v; want three parts", receipt, err)
	}
	seen := map[string]int{}
	for part, want := range map[int][2]int{1: {1000, 100}, 2: {1000, 50}, 3: {1, 0}} {
		_, payload := stored(t, rdb, receipt, part)
		parsed, err := message.Parse(payload.Body)
		if err != nil {
			t.Fatal(err)
		}
		to := parsed.Common().Recipients()
		if len(to.Users) != want[0] || len(to.Parties) != want[1] {
			t.Errorf("part %d goes to %d users and %d parties, want %v", part, len(to.Users), len(to.Parties), want)
		}
		if payload.Part != part || payload.Parts != 3 {
			t.Errorf("part %d calls itself %d of %d", part, payload.Part, payload.Parts)
		}
		for _, user := range to.Users {
			seen[user]++
		}
	}
	for _, user := range users {
		if seen[user] != 1 {
			t.Errorf("%s is addressed %d times", user, seen[user])
		}
	}
}

func numbers(n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = strconv.Itoa(i + 1)
	}
	return ids
}

func TestABatchHasAResultPerMessage(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	var batch []producer.Message
	for i := range 2500 {
		m := producer.Message{Request: text("user"+strconv.Itoa(i), "x")}
		if i%1000 == 7 {
			m.Request = text("", "nobody gets this")
		}
		batch = append(batch, m)
	}
	batch[1] = producer.Message{Request: nil}
	batch[2].Options.Priority = "urgent"
	batch[3].Request = text("a", strings.Repeat("汉", 683)) // 2049 bytes
	bad := map[int]string{
		1: "request is nil", 2: `priority: "urgent"`, 3: "text.content", 7: "touser", 1007: "touser", 2007: "touser",
	}
	ids := map[string]bool{}
	for i, result := range newProducer(t, rdb).SendBatch(t.Context(), batch) {
		if says := bad[i]; says != "" {
			if result.Err == nil || !strings.Contains(result.Err.Error(), says) {
				t.Errorf("message %d: error %v does not say %q", i, result.Err, says)
			}
			continue
		}
		if result.Err != nil {
			t.Errorf("message %d: %v", i, result.Err)
		}
		ids[result.Receipt.ID] = true
	}
	if n := rdb.LLen(t.Context(), "asynq:{ops:default}:pending").Val(); int(n) != len(ids) || len(ids) != len(batch)-len(bad) {
		t.Errorf("%d messages are in the queue, %d have an id; want %d", n, len(ids), len(batch)-len(bad))
	}
}

func TestABatchKeepsItsOrder(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	var batch []producer.Message
	for i := range 1500 {
		batch = append(batch, producer.Message{Request: text("a", strconv.Itoa(i))})
	}
	results := newProducer(t, rdb).SendBatch(t.Context(), batch)
	pending := rdb.LRange(t.Context(), "asynq:{ops:default}:pending", 0, -1).Val() // newest first
	for i, result := range results {
		if got := pending[len(pending)-1-i]; got != result.Receipt.ID {
			t.Fatalf("place %d of the queue is held by %s, want %s", i, got, result.Receipt.ID)
		}
	}
}

func TestRedisAwayIsNotTheMessagesFault(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	rdb := redis.NewClient(&redis.Options{Network: "unix", Addr: server.Addr, MaxRetries: -1, DialerRetries: 1})
	t.Cleanup(func() { _ = rdb.Close() })
	server.Kill()
	_, err := newProducer(t, rdb).Send(t.Context(), text("a", "x"), producer.Options{})
	var unavailable *producer.RedisError
	if !errors.As(err, &unavailable) {
		t.Errorf("error %v, want a RedisError", err)
	}
	_, err = newProducer(t, rdb).Send(t.Context(), text("a", ""), producer.Options{})
	var invalid *message.ValidationError
	if !errors.As(err, &invalid) || errors.As(err, &unavailable) {
		t.Errorf("error %v, want a ValidationError and no RedisError", err)
	}
}

func TestOptionsNameWhatIsWrong(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for want, o := range map[string]producer.Options{
		`priority: "urgent" is not one of critical, default, bulk`: {Priority: "urgent"},
		"delay: -1s is negative":                                   {Delay: -time.Second},
		"expires_in: -1s is negative":                              {ExpiresIn: -time.Second},
		"process_at and delay: set one of them":                    {At: now, Delay: 1},
		"expires_at and expires_in: set one of them":               {ExpiresAt: now, ExpiresIn: 1},
		"idempotency_key: 256 bytes, at most 255":                  {IdempotencyKey: strings.Repeat("k", 256)},
	} {
		if err := o.Validate(); err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}

func TestAMessageThatCanOnlyExpireIsRefused(t *testing.T) {
	t.Parallel()
	p := newProducer(t, redistest.New(t))
	_, err := p.Send(t.Context(), text("a", "x"), producer.Options{Delay: 2 * time.Hour, ExpiresIn: time.Hour})
	if err == nil || !strings.Contains(err.Error(), "is not after the time to send") {
		t.Errorf("error %v does not say that the deadline comes first", err)
	}
}

func TestNewNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	if _, err := producer.New(nil, producer.Config{App: "ops"}); err == nil {
		t.Error("no error without a Redis")
	}
	if _, err := producer.New(redistest.New(t), producer.Config{App: "Ops Team"}); err == nil || !strings.Contains(err.Error(), "app:") {
		t.Errorf("error %v does not name the app", err)
	}
}

// BenchmarkSendBatch makes one call after the other, checks and encoding included.
func BenchmarkSendBatch(b *testing.B) {
	p := newProducer(b, redistest.New(b))
	request := text("chen.li|wang_wu", strings.Repeat("磁盘空间不足 db-03 /data 93% ", 6))
	batch := make([]producer.Message, 10_000)
	for i := range batch {
		batch[i] = producer.Message{Request: request, Options: producer.Options{Priority: tasks.Bulk}}
	}
	n := 0
	for b.Loop() {
		for _, result := range p.SendBatch(b.Context(), batch) {
			if result.Err != nil {
				b.Fatal(result.Err)
			}
		}
		n += len(batch)
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "messages/s")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/message")
}
