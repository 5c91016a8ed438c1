// Links to runs hold their place after "#", which a browser does not send: it is read here and turned into a path.
// The same place holds the one-time code of `lakehouse local link`, so that no log and no proxy sees it.
"use strict";

function findPage(place) {
  const run = /^job\/(\d+)(?:\/run\/(\d+))?$/.exec(place);
  if (run) {
    return run[2] ? `/jobs/${run[1]}/runs/${run[2]}` : `/jobs/${run[1]}`;
  }
  return "/home";
}

const place = location.hash.slice(1);
const login = /^login\/([\w-]+)(?:\/(.*))?$/.exec(place);
if (login) {
  const form = document.getElementById("login");
  form.elements.code.value = login[1];
  form.elements.next.value = login[2] ? "/" + login[2] : "/home";
  history.replaceState(null, "", "/");
  form.submit();
} else {
  location.replace(findPage(place));
}
