package wecomtest

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/wecomq/wecomq/internal/tolerance"
)

// directory is the contact list of the rules, indexed for lookups.
type directory struct {
	rules                          Rules // with defaults
	members, invisible, unlicensed names
	parties, tags                  map[string][]string
	known                          []string // recipients of @all, sorted
}

func newDirectory(rules Rules) (*directory, error) {
	if err := rules.Validate(); err != nil {
		return nil, err
	}
	d := &directory{
		rules:      rules.withDefaults(),
		members:    newNames(rules.Members),
		invisible:  newNames(rules.Invisible),
		unlicensed: newNames(rules.Unlicensed),
		parties:    lowerGroups(rules.Parties),
		tags:       lowerGroups(rules.Tags),
	}
	everyone := maps.Clone(d.members.exact)
	for _, groups := range []map[string][]string{d.parties, d.tags} {
		for _, users := range groups {
			for _, user := range users {
				everyone[user] = true
				if !d.members.empty() {
					d.members.exact[user] = true
				}
			}
		}
	}
	d.known = slices.Sorted(maps.Keys(everyone))
	return d, nil
}

// app looks up an app; a token outlives the rules it was issued under.
func (d *directory) app(key appKey) (App, bool) {
	i := slices.IndexFunc(d.rules.Apps, func(a App) bool { return a.key() == key })
	if i < 0 {
		return App{}, false
	}
	return d.rules.Apps[i], true
}

// visible reports whether the app may send to a lower-cased userid.
func (d *directory) visible(user string) bool {
	return tolerance.IsUserID(user) && !d.invisible.match(user) && (d.members.empty() || d.members.match(user))
}

// names are lower-cased userids and globs of them.
type names struct {
	exact map[string]bool
	globs []string
}

func newNames(list []string) names {
	n := names{exact: map[string]bool{}}
	for _, name := range list {
		name = strings.ToLower(name)
		if strings.ContainsAny(name, `*?[\`) {
			n.globs = append(n.globs, name)
		} else {
			n.exact[name] = true
		}
	}
	return n
}

func (n names) empty() bool { return len(n.exact) == 0 && len(n.globs) == 0 }

func (n names) match(user string) bool {
	return n.exact[user] || slices.ContainsFunc(n.globs, func(glob string) bool {
		ok, err := path.Match(glob, user)
		return ok && err == nil
	})
}

func lowerGroups(groups map[string][]string) map[string][]string {
	lower := make(map[string][]string, len(groups))
	for id, users := range groups {
		for _, user := range users {
			lower[id] = append(lower[id], strings.ToLower(user))
		}
		lower[id] = slices.Compact(slices.Sorted(slices.Values(lower[id])))
	}
	return lower
}
