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
	// maxAll is how many tasks an "all" button may act on. asynq does it in one
	// script, which blocks Redis, and of what it archives beyond 9,999 the oldest
	// are lost without a word.
	maxAll = 1000
	// maxPage is the largest page of tasks; asynqmon itself has no limit.
	maxPage = 100
)

// allButtons are the paths of the buttons that act on a whole set.
var allButtons = regexp.MustCompile(`^` + Root + `/api/queues/([^/]+)/([a-z]+)_tasks:(archive|delete|run)_all$`)

// refusal says why a button is not for this set, and what is.
func (d *Dashboard) refusal(r *http.Request, identity *gateway.Identity) (text string, ok bool) {
	if r.Method == http.MethodGet || !identity.Has(config.ScopeAdmin) { // asynqmon refuses readers itself
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

// instead names what does the same safely.
func instead(queue, set, button string) string {
	app, _, err := tasks.ParseQueue(queue)
	if err != nil {
		app = "APP"
	}
	switch {
	case set == "completed":
		return "They leave by themselves when the retention of the config is over."
	case set == "archived" && button == "run":
		return fmt.Sprintf("Use 'wecomq dead replay --app %s --all --errcode N'.", app)
	case set == "archived":
		return fmt.Sprintf("Use 'wecomq dead purge --app %s --older-than 24h'.", app)
	case button == "run":
		return fmt.Sprintf("They go by themselves when their time comes; 'wecomq app resume %s' ends a pause.", app)
	}
	return fmt.Sprintf("Use 'wecomq app pause %s' to stop them, and 'wecomq recall ID…' to cancel messages with a record of it.", app)
}

// capSize keeps a page of tasks small, whatever is asked for.
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
