// Package wecom speaks WeCom's (企业微信) server API: one HTTP client per
// application with a cached access token, the errcodes and what each means, and
// media upload. It knows nothing of queues, and needs only the standard library.
//
// Page ids in comments (91039, 90236 …) are those of WeCom's developer
// documentation, https://developer.work.weixin.qq.com/document/path/<id>.
package wecom
