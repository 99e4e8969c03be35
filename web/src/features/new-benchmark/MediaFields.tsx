import { NumberField } from "../../ui/Field";
import type { FormProps } from "./form-props";

/** Images and a sound in each request: wanted by few, so behind a word of its own. */
export function MediaFields({ draft, changeWorkload, problems }: FormProps) {
  const { imageCount, imageWidth, imageHeight, audioSeconds, audioRateHz } = draft.workload;
  const isUsed = [imageCount, imageWidth, imageHeight, audioSeconds, audioRateHz].some((value) => value !== "");
  const isWrong = Object.keys(problems).some((path) => /^workload\.(images|audio)/.test(path));
  return (
    <details open={isUsed || isWrong || undefined}>
      <summary class="words-summary">Images and audio</summary>
      <div class="fields fields-three">
        <NumberField
          whole
          label="Images"
          name="image-count"
          placeholder="0"
          hint="made up, in each request"
          value={imageCount}
          path="workload.images.count"
          problem={problems["workload.images.count"] ?? problems["workload.images"]}
          onInput={(value) => changeWorkload({ imageCount: value })}
        />
        <NumberField
          whole
          label="Width"
          unit="pixels"
          name="image-width"
          placeholder="512"
          value={imageWidth}
          path="workload.images.width"
          problem={problems["workload.images.width"]}
          onInput={(value) => changeWorkload({ imageWidth: value })}
        />
        <NumberField
          whole
          label="Height"
          unit="pixels"
          name="image-height"
          placeholder="512"
          value={imageHeight}
          path="workload.images.height"
          problem={problems["workload.images.height"]}
          onInput={(value) => changeWorkload({ imageHeight: value })}
        />
        <NumberField
          label="Sound"
          unit="s"
          name="audio-seconds"
          placeholder="0"
          hint="noise, before the text"
          value={audioSeconds}
          path="workload.audio.seconds"
          problem={problems["workload.audio.seconds"] ?? problems["workload.audio"]}
          onInput={(value) => changeWorkload({ audioSeconds: value })}
        />
        <NumberField
          whole
          label="Sample rate"
          unit="Hz"
          name="audio-rate"
          placeholder="16,000"
          value={audioRateHz}
          path="workload.audio.sample_rate_hz"
          problem={problems["workload.audio.sample_rate_hz"]}
          onInput={(value) => changeWorkload({ audioRateHz: value })}
        />
      </div>
    </details>
  );
}
