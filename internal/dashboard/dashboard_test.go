package dashboard_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/dashboard"
)

func TestWhoMaySeeTheDashboard(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.wantStatus(b.ask(admin, http.MethodGet, "/dashboard/"), http.StatusOK)
	b.wantStatus(b.ask(reader, http.MethodGet, "/dashboard/"), http.StatusOK)
	b.wantStatus(b.ask(sender, http.MethodGet, "/dashboard/"), http.StatusForbidden)
	b.wantStatus(b.ask("", http.MethodGet, "/dashboard/api/queues"), http.StatusUnauthorized)
	refused := b.ask(partial, http.MethodGet, "/dashboard/api/queues")
	b.wantStatus(refused, http.StatusForbidden)
	if !strings.Contains(refused.body, "may use all apps") {
		t.Errorf("the refusal is no explanation: %s", refused.body)
	}
	login := b.ask("", http.MethodGet, "/dashboard/", "Accept", "text/html")
	if login.status != http.StatusSeeOther || login.header.Get("Location") != "/login?next=%2Fdashboard%2F" {
		t.Errorf("a browser without a session gets HTTP %d to %q", login.status, login.header.Get("Location"))
	}
}

func TestPageLoadsNothingFromElsewhere(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, path := range []string{"/dashboard/", "/dashboard/queues/ops:default"} {
		page := b.ask(admin, http.MethodGet, path)
		b.wantStatus(page, http.StatusOK)
		if strings.Contains(page.body, "https://") || !strings.Contains(page.body, "/dashboard/static/js/main.") {
			t.Errorf("%s: %s", path, page.body)
		}
		if got := page.header.Get("Content-Security-Policy"); !strings.HasPrefix(got, "default-src 'self'; ") || !strings.Contains(got, "frame-ancestors 'none'") {
			t.Errorf("%s: policy %q", path, got)
		}
		if !strings.Contains(page.body, `<nav id="wecomq" aria-label="wecomq"><a href="/">`) || !strings.Contains(page.body, `on a phone use the pages <a href="/">`) {
			t.Errorf("%s leads nowhere else: %s", path, page.body)
		}
		if got := page.header.Get("Content-Type"); got != "text/html; charset=utf-8" {
			t.Errorf("%s is %s", path, got)
		}
	}
}

// asynqmon shows the part of an id before its first "-": of ours, the app.
func TestPageShowsWholeIDs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	script := b.ask(reader, http.MethodGet, "/dashboard/static/js/main.5adda2da.chunk.js")
	b.wantStatus(script, http.StatusOK)
	if strings.Contains(script.body, `indexOf("-")`) || strings.Count(script.body, `e.indexOf("/");return-1===t?e:`) != 1 {
		t.Error("the script cuts ids")
	}
}

func TestAFailureShowsNoAddresses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.enqueue("ops:default", "other", "x")
	b.redis.Kill()
	for _, request := range []string{
		"GET queues", "GET queues/ops:default", "GET queues/ops:default/pending_tasks", "GET servers", "GET redis_info", "GET queue_stats",
		"POST queues/ops:default:pause", "DELETE queues/ops:default",
	} {
		method, path, _ := strings.Cut(request, " ")
		failed := b.ask(admin, method, "/dashboard/api/"+path)
		if failed.status < 500 || strings.Contains(failed.body, b.redis.Addr) || failed.body != "Redis did not answer; the log of the gateway says why.\n" {
			t.Errorf("%s: HTTP %d: %s", request, failed.status, failed.body)
		}
	}
	if !strings.Contains(b.log.String(), `"component":"dashboard","path":"/dashboard/api/queues","error":"`) {
		t.Errorf("the log does not say why:\n%s", b.log)
	}
	for _, action := range []string{"POST queues/ops:default/pending_tasks:archive_all", "DELETE queues/ops:default/archived_tasks:delete_all"} {
		method, path, _ := strings.Cut(action, " ")
		if refused := b.ask(admin, method, "/dashboard/api/"+path); strings.Contains(refused.body, b.redis.Addr) {
			t.Errorf("%s: HTTP %d: %s", action, refused.status, refused.body)
		}
	}
}

func TestOnlyAnAdminPausesAQueue(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.enqueue("ops:default", "other", "x")
	const pause = "/dashboard/api/queues/ops:default:pause"
	paused := func() int64 {
		return b.rdb.Exists(t.Context(), "asynq:{ops:default}:paused").Val()
	}
	b.wantStatus(b.ask(reader, http.MethodPost, pause), http.StatusMethodNotAllowed)
	b.wantStatus(b.ask(partial, http.MethodPost, pause), http.StatusForbidden)
	b.wantStatus(b.ask(admin, http.MethodPost, pause, "Sec-Fetch-Site", "cross-site"), http.StatusForbidden)
	b.wantStatus(b.ask(admin, http.MethodPost, pause, "Origin", "https://evil.example.com"), http.StatusForbidden)
	if paused() != 0 {
		t.Fatal("somebody who may not has paused the queue")
	}
	b.wantStatus(b.ask(admin, http.MethodPost, pause, "Sec-Fetch-Site", "same-origin"), http.StatusNoContent)
	if paused() != 1 {
		t.Error("the admin has not paused the queue")
	}
}

func TestButtonsForAllAreForSmallSets(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.enqueue("ops:default", "other", "x")
	b.wantStatus(b.ask(admin, http.MethodDelete, "/dashboard/api/queues/ops:default/pending_tasks:delete_all"), http.StatusOK)
	ids := make([]any, 1001)
	for i := range ids {
		ids[i] = i
	}
	if err := b.rdb.LPush(t.Context(), "asynq:{ops:default}:pending", ids...).Err(); err != nil {
		t.Fatal(err)
	}
	zs := make([]redis.Z, len(ids))
	for i := range zs {
		zs[i] = redis.Z{Score: 1, Member: i}
	}
	for _, set := range []string{"archived", "completed", "scheduled"} {
		if err := b.rdb.ZAdd(t.Context(), "asynq:{ops:default}:"+set, zs...).Err(); err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]string{
		"POST pending_tasks:archive_all":    "wecomq app pause ops",
		"DELETE pending_tasks:delete_all":   "wecomq app pause ops",
		"POST scheduled_tasks:run_all":      "wecomq app resume ops",
		"POST archived_tasks:run_all":       "wecomq dead replay --app ops",
		"DELETE archived_tasks:delete_all":  "wecomq dead purge --app ops",
		"DELETE completed_tasks:delete_all": "by themselves",
	} {
		method, path, _ := strings.Cut(path, " ")
		refused := b.ask(admin, method, "/dashboard/api/queues/ops:default/"+path)
		b.wantStatus(refused, http.StatusConflict)
		if !strings.Contains(refused.body, "1001 ") || !strings.Contains(refused.body, want) {
			t.Errorf("%s %s: %q does not tell of %q", method, path, refused.body, want)
		}
	}
	if left := b.rdb.LLen(t.Context(), "asynq:{ops:default}:pending").Val(); left != 1001 {
		t.Errorf("%d tasks are left of 1001", left)
	}
}

func TestAPageOfTasksIsSmallAndReadable(t *testing.T) {
	t.Parallel()
	b := setup(t)
	payload := `{"v":1,"id":"ops-01K9Z3V6C8W5N3T1Q0R7XJ4M2E","app":"ops","priority":"default","enqueued_at":1,` +
		`"body":{"touser":"zhangsan","msgtype":"text","text":{"content":"call 13800138000\n👩‍👩‍👧 <b>"}}}`
	for range 150 {
		b.enqueue("ops:default", "message:text", payload)
	}
	var list struct {
		Tasks []struct {
			Payload string `json:"payload"`
		} `json:"tasks"`
	}
	body := b.ask(reader, http.MethodGet, "/dashboard/api/queues/ops:default/pending_tasks?page=1&size=100000").body
	if err := json.Unmarshal([]byte(body), &list); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	if len(list.Tasks) != 100 {
		t.Errorf("%d tasks on a page, want 100", len(list.Tasks))
	}
	if got, want := list.Tasks[0].Payload, `{"to":"zh***n","text":"call 138****8000\n👩‍👩‍👧 <b>"}`; got != want {
		t.Errorf("payload %s, want %s", got, want)
	}
	for _, path := range []string{"queues", "servers", "redis_info", "scheduler_entries", "queue_stats", "queues/ops:default", "queues/ops:default/completed_tasks?size=x"} {
		b.wantStatus(b.ask(reader, http.MethodGet, "/dashboard/api/"+path), http.StatusOK)
	}
}

func TestNewRefusesARedisThatAsynqmonDoesNotKnow(t *testing.T) {
	t.Parallel()
	_, err := dashboard.New(dashboard.Config{Redis: redis.NewRing(&redis.RingOptions{}), Apps: func() []string { return nil }})
	if err == nil || !strings.Contains(err.Error(), "*redis.Ring") {
		t.Errorf("error %v", err)
	}
	if _, err := dashboard.New(dashboard.Config{Redis: redis.NewClient(&redis.Options{})}); err == nil {
		t.Error("a dashboard without apps")
	}
}
