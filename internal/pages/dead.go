package pages

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/wecomq/wecomq/internal/gateway"
	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/internal/lookup"
	"github.com/wecomq/wecomq/internal/operator"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

const (
	// grouped is how many dead letters of an app are grouped, the newest, and replayedAtOnce how many one request
	// replays: as many as fit into [actionTime].
	grouped        = 2000
	replayedAtOnce = 1000
	// appsAtOnce is how many apps are queried concurrently.
	appsAtOnce = 8
)

// deadView lists the dead letters, grouped by error and one by one.
type deadView struct {
	found

	Groups []deadGroup // most frequent first, those of unknown outcome last
	Now    int64       // Unix ms: the buttons do not cover later failures
}

// deadGroup are dead letters of an app with the same error.
type deadGroup struct {
	App     string
	State   tasks.State // rejected or unknown
	Code    wecom.Code
	ErrMsg  string // of the newest
	Count   int
	Updates int  // updates of cards among Count, which are not replayed
	AtLeast bool // there are older ones
}

// Link leads to the dead letters of the group.
func (g deadGroup) Link() string {
	return "/dead?" + url.Values{"app": {g.App}, "state": {string(g.State)}, "errcode": {strconv.Itoa(int(g.Code))}}.Encode()
}

// Unknown reports whether they may have arrived.
func (g deadGroup) Unknown() bool { return g.State == tasks.Unknown }

// Most is how many the button replays; 0 if none can be replayed.
func (g deadGroup) Most() int { return min(g.Count-g.Updates, replayedAtOnce) }

// dead shows the dead letters.
func (p *Pages) dead(w http.ResponseWriter, r *http.Request) error {
	apps := p.mine(gateway.IdentityFrom(r.Context()))
	list, err := p.list(r, apps, lookup.Query{Index: ledger.Dead})
	if err != nil {
		return err
	}
	list.States = tasks.DeadStates()
	v := deadView{found: list, Now: time.Now().UnixMilli()}
	if v.Groups, err = deadGroups(r.Context(), apps, list); err != nil {
		return err
	}
	return p.render(w, r, http.StatusOK, "dead", view{Live: isFirst(r), Data: v})
}

// deadGroups groups the dead letters that match the filter of a list.
func deadGroups(ctx context.Context, apps []*watched, list found) ([]deadGroup, error) {
	groups := make([][]deadGroup, len(apps))
	all, ctx := errgroup.WithContext(ctx)
	all.SetLimit(appsAtOnce)
	for i, app := range apps {
		if list.App == "" || list.App == app.Name {
			all.Go(func() (err error) {
				groups[i], err = app.dead.get(ctx, hourAge, app.fetchDead)
				return err
			})
		}
	}
	if err := all.Wait(); err != nil {
		return nil, err
	}
	chosen := slices.DeleteFunc(slices.Concat(groups...), func(g deadGroup) bool {
		return list.State != "" && g.State != list.State || list.Code != nil && int64(g.Code) != *list.Code
	})
	slices.SortStableFunc(chosen, func(a, b deadGroup) int {
		if a.Unknown() != b.Unknown() {
			return map[bool]int{false: -1, true: 1}[a.Unknown()]
		}
		return cmp.Compare(b.Count, a.Count)
	})
	return chosen, nil
}

// fetchDead groups the newest dead letters of an app.
func (a *watched) fetchDead(ctx context.Context) ([]deadGroup, error) {
	page, err := lookup.List(ctx, []*lookup.Finder{a.Finder}, lookup.Query{Index: ledger.Dead, Limit: grouped, Look: grouped})
	if err != nil {
		return nil, err
	}
	type reason struct {
		state tasks.State
		code  int64
	}
	groups := map[reason]deadGroup{}
	for _, r := range page.Records {
		why := reason{r.State, r.ErrCode}
		g, known := groups[why]
		if !known {
			g = deadGroup{App: a.Name, State: r.State, Code: wecom.Code(r.ErrCode), ErrMsg: r.ErrMsg, AtLeast: page.Next.String() != ""}
		}
		g.Count++
		if r.Type == tasks.CardUpdateType {
			g.Updates++
		}
		groups[why] = g
	}
	return slices.SortedFunc(maps.Values(groups), func(a, b deadGroup) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Code, b.Code), cmp.Compare(a.State, b.State))
	}), nil
}

// replayDead replays the dead letters of a group that had failed when the page was shown.
func (p *Pages) replayDead(w http.ResponseWriter, r *http.Request) error {
	app, ok := p.apps.Load().byName[r.PathValue("app")]
	if !ok {
		return &refusal{"App not found", nil, "/dead"}
	}
	code, codeErr := strconv.ParseInt(r.PostFormValue("errcode"), 10, 64)
	shown, shownErr := strconv.ParseInt(r.PostFormValue("until"), 10, 64)
	state := tasks.State(r.PostFormValue("state"))
	if codeErr != nil || shownErr != nil || !state.Dead() {
		return &refusal{"The form did not arrive", nil, "/dead"}
	}
	replayed, failed := 0, []string(nil)
	err := app.Operator.ReplayAll(r.Context(), ledger.Query{States: []tasks.State{state}, ErrCode: &code, Until: time.UnixMilli(shown)},
		func(_ operator.Replay, err error) bool {
			if err != nil {
				failed = append(failed, err.Error())
			} else {
				replayed++
			}
			return replayed < replayedAtOnce && len(failed) < maxReasons
		})
	app.dead.forget()
	p.apps.Load().status.forget()
	if err != nil {
		return err
	}
	back := "/dead?app=" + url.QueryEscape(app.Name)
	if len(failed) > 0 {
		return &refusal{"Not all could be replayed", append([]string{fmt.Sprintf("replayed: %d", replayed)}, failed...), back}
	}
	http.Redirect(w, r, back+"&done=replayed-all", http.StatusSeeOther)
	return nil
}

// maxReasons is the number of failures after which a replay stops.
const maxReasons = 20
