package wecomtest

import (
	"slices"
	"strings"

	"github.com/wecomq/wecomq/internal/tolerance"
	"github.com/wecomq/wecomq/wecom"
)

// Limits of one call (page 90236).
const (
	maxUsers   = 1000
	maxParties = 100
	maxTags    = 100
)

// audience is the resolved recipients of a message. Userids are lower-cased and unique.
type audience struct {
	everyone      bool     // touser was @all
	users         []string // those within the visible range, with the known members of parties and tags
	parties, tags []string // that exist

	invalidUsers, invalidParties, invalidTags, unlicensed []string
}

// newAudience resolves the recipients of a message.
func newAudience(d *directory, body tolerance.Object) (audience, error) {
	to := tolerance.To(body)
	if to.Everyone {
		a := audience{everyone: true}
		a.addMembers(d, d.known)
		return a, nil // toparty and totag are ignored
	}
	users, parties, tags := to.Users, to.Parties, to.Tags
	switch {
	case to.Nobody():
		return audience{}, wecom.Code(82001)
	case len(users) > maxUsers:
		return audience{}, wecom.Code(40032)
	case len(parties) > maxParties:
		return audience{}, wecom.Code(82002)
	case len(tags) > maxTags:
		return audience{}, wecom.Code(82003)
	}
	var a audience
	a.addUsers(d, users)
	a.parties, a.invalidParties = a.addGroups(d, d.parties, parties)
	a.tags, a.invalidTags = a.addGroups(d, d.tags, tags)
	a.users = unique(a.users)
	a.unlicensed = unique(a.unlicensed)
	if len(a.users)+len(a.unlicensed)+len(a.parties)+len(a.tags) == 0 {
		return a, wecom.Code(81013)
	}
	return a, nil
}

// addUsers sorts the named userids into reachable, unlicensed and invalid.
func (a *audience) addUsers(d *directory, users []string) {
	for _, user := range users {
		switch user = strings.ToLower(user); {
		case !d.visible(user):
			a.invalidUsers = append(a.invalidUsers, user)
		case d.unlicensed.match(user):
			a.unlicensed = append(a.unlicensed, user)
		default:
			a.users = append(a.users, user)
		}
	}
	a.invalidUsers = unique(a.invalidUsers)
}

// addGroups adds the members of parties or tags and separates existing ids from others.
func (a *audience) addGroups(d *directory, groups map[string][]string, ids []string) (valid, invalid []string) {
	for _, id := range ids {
		members, exists := groups[id]
		if exists || len(groups) == 0 && tolerance.IsGroupID(id) {
			valid = append(valid, id)
			a.addMembers(d, members)
		} else {
			invalid = append(invalid, id)
		}
	}
	return valid, invalid
}

// addMembers adds members of groups: those outside the visible range are left out silently.
func (a *audience) addMembers(d *directory, users []string) {
	for _, user := range users {
		switch {
		case !d.visible(user):
		case d.unlicensed.match(user):
			a.unlicensed = append(a.unlicensed, user)
		default:
			a.users = append(a.users, user)
		}
	}
}

// unique removes repeats and keeps the order.
func unique(list []string) []string {
	if len(list) < 2 {
		return list
	}
	seen := make(map[string]bool, len(list))
	return slices.DeleteFunc(list, func(s string) bool {
		again := seen[s]
		seen[s] = true
		return again
	})
}
