// Tells the panel the browser's time zone by a cookie, and suggests it on the page on which people choose one.
// A choice made there comes first. Without scripts, times are in the panel's zone until one is chosen.
(() => {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "";
  if (!/^[A-Za-z0-9_+\/-]{1,64}$/.test(zone)) return;
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `time_zone=${zone}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;

  const suggestion = document.getElementById("time-zone-suggestion");
  const select = document.getElementById("time_zone");
  if (!suggestion || !select || select.value === zone) return;
  suggestion.querySelector("strong").textContent = zone.replaceAll("_", " ");
  suggestion.querySelector("button").addEventListener("click", () => {
    if (![...select.options].some((option) => option.value === zone)) select.add(new Option(zone, zone));
    select.value = zone;
    suggestion.hidden = true;
    select.focus();
  });
  suggestion.hidden = false;
})();
