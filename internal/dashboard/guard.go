package dashboard

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"

	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/gateway"
	"github.com/wecomq/wecomq/tasks"
)

const (
	// maxAll is how many tasks an "all" button may act on. asynq does it in one script, which blocks Redis, and
	// silently deletes the oldest archived tasks beyond 9,999.
	maxAll = 1000
	// maxPage is the largest page of tasks; asynqmon itself has no limit.
	maxPage = 100
)

// allButtons are the paths of the buttons that act on a whole set.
var allButtons = regexp.MustCompile(`^` + Root + `/api/queues/([^/]+)/([a-z]+)_tasks:(archive|delete|run)_all$`)

// refusal explains why a button may not be used for this set, and what to use instead.
func (d *Dashboard) refusal(r *http.Request, identity *gateway.Identity) (text string, ok bool) {
	if r.Method == http.MethodGet || !identity.Has(config.ScopeAdmin) { // asynqmon rejects readers itself
		return "", true
	}
	m := allButtons.FindStringSubmatch(r.URL.Path)
	if m == nil {
		return "", true
	}
	queue, set, button := m[1], m[2], m[3]
	sizes, err := asynqx.Sizes(r.Context(), d.cfg.Redis, queue, set)
	switch {
	case err != nil:
		return "The size of the set is not known: Redis did not answer.", false
	case sizes[0] > maxAll:
		return fmt.Sprintf("%d %s tasks are too many for this button (at most %d): it would block Redis, and can lose messages. %s",
			sizes[0], set, maxAll, instead(queue, set, button)), false
	}
	return "", true
}

// instead names a safe way to do the same.
func instead(queue, set, button string) string {
	app, _, err := tasks.ParseQueue(queue)
	if err != nil {
		app = "APP"
	}
	switch {
	case set == "completed":
		return "They expire by themselves when the configured retention has passed."
	case set == "archived" && button == "run":
		return fmt.Sprintf("Use 'wecomq dead replay --app %s --all --errcode N'.", app)
	case set == "archived":
		return fmt.Sprintf("Use 'wecomq dead purge --app %s --older-than 24h'.", app)
	case button == "run":
		return fmt.Sprintf("They go by themselves when their time comes; 'wecomq app resume %s' ends a pause.", app)
	}
	return fmt.Sprintf("Use 'wecomq app pause %s' to stop them, and 'wecomq recall ID…' to cancel messages with a record of it.", app)
}

// capSize limits the size of a page of tasks.
func capSize(r *http.Request) {
	query := r.URL.Query()
	size := query.Get("size")
	if size == "" {
		return
	}
	if n, err := strconv.Atoi(size); err == nil && n <= maxPage {
		return
	}
	query.Set("size", strconv.Itoa(maxPage))
	r.URL = cloneWith(r.URL, query)
}

func cloneWith(u *url.URL, query url.Values) *url.URL {
	clone := *u
	clone.RawQuery = query.Encode()
	return &clone
}
